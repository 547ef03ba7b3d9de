//! Operations and bytes of every part of a step, from shapes alone.

use super::Engine;
use super::plan::{Norm, Step};
use super::record::Task;
use crate::graph::Op;
use crate::weights::slots;
use tumorlens_kernels::Activation;
use tumorlens_kernels::conv::Storage;

/// What a part of a step asks of a processor.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Cost {
    /// Of the plain definition; a multiply-add is two, a comparison or a non-linearity one.
    pub(super) operations: f64,
    /// Of values read, values written and weights.
    pub(super) bytes: f64,
}

/// Bytes of a number in single precision.
const SINGLE: f64 = 4.0;

/// A value of a map upsampled: two weighted means along the rows and one across.
const BILINEAR: f64 = 9.0;
/// A weight in AdamW: clipping (3), the two means (3 and 4), the new weight (7); and numbers read and written for it.
const ADAM_OPERATIONS: f64 = 17.0;
const ADAM_NUMBERS: f64 = 10.0;

/// Operations a value of what follows a normalisation, and maps that it adds.
fn after(of: Norm) -> (f64, f64) {
    let one = |there: bool| f64::from(u8::from(there));
    let added = one(of.add.is_some());
    (added + one(of.activation != Activation::Identity), added)
}

fn cost<P: Storage>(operations: f64, numbers: f64) -> Cost {
    Cost {
        operations,
        bytes: numbers * P::BYTES as f64,
    }
}

impl<P: Storage> Engine<P> {
    /// Cost of a part of a node's step for the current batch.
    pub(super) fn cost(&self, node: Option<usize>, task: Task) -> Cost {
        let Some(index) = node else {
            return match task {
                Task::Optimise => self.cost_of_optimising(),
                _ => Cost::default(),
            };
        };
        match (self.plan.steps[index], task) {
            (Step::Norm(of), Task::Forward) => self.cost_of_folded(index, of),
            (Step::Norm(of), Task::Normalise) => {
                let (n, (operations, maps)) = (self.numbers(of.from), after(of));
                // A product and a sum; reads one map or two.
                cost::<P>(
                    (2.0 + operations) * n,
                    (1.0 + maps) * n + self.numbers(index),
                )
            }
            (Step::Norm(of), _) => self.cost_of_norm_back(index, of),
            _ => self.cost_of_node(index, task),
        }
    }

    /// Values of a node's output.
    fn numbers(&self, node: usize) -> f64 {
        let s = self.plan.shape(node, self.buffers.images, 0);
        (s.images * s.channels * s.height * s.width) as f64
    }

    /// A convolution with its normalisation folded in.
    fn cost_of_folded(&self, index: usize, of: Norm) -> Cost {
        let own = self.cost_of_node(of.from, Task::Forward);
        let (n, (operations, maps)) = (self.numbers(of.from), after(of));
        // A shift more. What is written is the value of the step, which may be smaller than that of the convolution.
        Cost {
            operations: own.operations + (1.0 + operations) * n,
            bytes: own.bytes + ((maps - 1.0) * n + self.numbers(index)) * P::BYTES as f64,
        }
    }

    /// Derivatives of a normalisation of a batch: its sums must be known before the first value can be written, so input
    /// and derivative are read twice.
    fn cost_of_norm_back(&self, index: usize, of: Norm) -> Cost {
        let (operations, maps) = after(of);
        let n = self.numbers(of.from);
        if of.pool.is_some() {
            // The maxima are found anew both times, and only their derivative is read.
            let read = 2.0 * self.numbers(index);
            return cost::<P>((13.0 + 2.0 * operations) * n, 3.0 * n + read);
        }
        // The value again (2 and what follows), the sums (5), a line in two values (4). What was added is read, and its
        // own derivative is read and written.
        cost::<P>((11.0 + 2.0 * operations) * n, (5.0 + 3.0 * maps) * n)
    }

    fn cost_of_node(&self, index: usize, task: Task) -> Cost {
        let node = &self.graph.nodes[index];
        let to = self.numbers(index);
        let from: f64 = node.inputs.iter().map(|id| self.numbers(id.0)).sum();
        let back = matches!(task, Task::PoolBack | Task::ElementwiseBack);
        match node.op {
            Op::Conv {
                inputs,
                outputs,
                kernel,
                ..
            } => {
                let products = (inputs * kernel * kernel) as f64;
                cost::<P>(2.0 * products * to, from + to + products * outputs as f64)
            }
            Op::Depthwise {
                channels, kernel, ..
            } => {
                let taps = (kernel * kernel) as f64;
                cost::<P>(2.0 * taps * to, from + to + taps * channels as f64)
            }
            Op::Linear { inputs, outputs } => {
                let weights = (inputs * outputs) as f64;
                cost::<P>(2.0 * inputs as f64 * to, from + to + weights)
            }
            // The place of each maximum is found again.
            Op::MaxPool { kernel, .. } => {
                let compared = (kernel * kernel) as f64 * to;
                cost::<P>(compared, to + if back { 2.0 * from } else { from })
            }
            Op::AvgPool { .. } => cost::<P>(from, from + to),
            Op::Upsample { .. } => cost::<P>(BILINEAR * to, from + to),
            Op::EvidencePool { .. } | Op::SoftMaximum { .. } => {
                cost::<P>(2.0 * from, 2.0 * from + to)
            }
            Op::Activate { .. } if back => cost::<P>(2.0 * to, 3.0 * to),
            Op::Dropout { .. } => cost::<P>(to, 3.0 * to),
            Op::Add if back => cost::<P>(0.0, 3.0 * to),
            Op::Activate { .. } | Op::Add => cost::<P>(to, from + to),
            Op::Input => cost::<P>(0.0, 2.0 * to),
            Op::Flatten | Op::BatchNorm { .. } => cost::<P>(0.0, from + to),
        }
    }

    fn cost_of_optimising(&self) -> Cost {
        let learned = slots(&self.graph);
        let learned = learned.iter().filter(|slot| slot.role.is_learned());
        let n: usize = learned
            .map(|slot| slot.shape.iter().product::<usize>())
            .sum();
        Cost {
            operations: ADAM_OPERATIONS * n as f64,
            bytes: ADAM_NUMBERS * n as f64 * SINGLE,
        }
    }
}
