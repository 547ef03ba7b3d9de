//! Shape inference, which is also the check that a graph makes sense.

use super::{Graph, Node, Op};

/// A node does not fit its inputs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("layer '{node}': {reason}")]
pub struct ShapeError {
    /// Name of the node.
    pub node: String,
    /// What does not fit.
    pub reason: String,
}

pub(super) fn infer(graph: &Graph) -> Result<Vec<[usize; 3]>, ShapeError> {
    let mut shapes: Vec<[usize; 3]> = Vec::with_capacity(graph.nodes.len());
    for (index, node) in graph.nodes.iter().enumerate() {
        let fail = |reason: String| ShapeError {
            node: node.name.clone(),
            reason,
        };
        if let Some(late) = node.inputs.iter().find(|id| id.0 >= index) {
            return Err(fail(format!(
                "takes node {} which is not before it",
                late.0
            )));
        }
        let inputs: Vec<[usize; 3]> = node.inputs.iter().map(|id| shapes[id.0]).collect();
        let arity = match node.op {
            Op::Input => 0,
            Op::Add => 2,
            _ => 1,
        };
        if inputs.len() != arity {
            return Err(fail(format!(
                "takes {arity} inputs, found {}",
                inputs.len()
            )));
        }
        let shape = output(node, &inputs, graph.input).map_err(fail)?;
        if shape.contains(&0) {
            return Err(ShapeError {
                node: node.name.clone(),
                reason: format!(
                    "nothing is left of the image here (input {:?}); use a larger size or fewer stages",
                    graph.input
                ),
            });
        }
        shapes.push(shape);
    }
    let named = [graph.logits, graph.features];
    let others = graph.evidence.iter().chain(&graph.guard);
    let stages = graph.stages.iter().map(|(_, last)| last);
    match named.iter().chain(others).chain(stages).max() {
        Some(last) if last.0 >= shapes.len() => Err(ShapeError {
            node: last.0.to_string(),
            reason: format!("is not there, the graph has {} nodes", shapes.len()),
        }),
        _ => Ok(shapes),
    }
}

fn output(node: &Node, inputs: &[[usize; 3]], input: [usize; 3]) -> Result<[usize; 3], String> {
    let slide = |side: usize, kernel: usize, stride: usize, padding: usize| {
        if stride == 0 || side + 2 * padding < kernel {
            0
        } else {
            (side + 2 * padding - kernel) / stride + 1
        }
    };
    let expect = |found: usize, expected: usize, what: &str| {
        if found == expected {
            Ok(())
        } else {
            Err(format!("expects {expected} {what}, found {found}"))
        }
    };
    Ok(match node.op {
        Op::Input => input,
        Op::Conv {
            inputs: channels,
            outputs,
            kernel,
            stride,
            padding,
            ..
        } => {
            let [c, h, w] = inputs[0];
            expect(c, channels, "channels")?;
            [
                outputs,
                slide(h, kernel, stride, padding),
                slide(w, kernel, stride, padding),
            ]
        }
        Op::Depthwise {
            channels,
            kernel,
            stride,
            padding,
        } => {
            let [c, h, w] = inputs[0];
            expect(c, channels, "channels")?;
            [
                c,
                slide(h, kernel, stride, padding),
                slide(w, kernel, stride, padding),
            ]
        }
        Op::BatchNorm { channels } => {
            expect(inputs[0][0], channels, "channels")?;
            inputs[0]
        }
        Op::Activate { .. } | Op::Dropout { .. } => inputs[0],
        Op::MaxPool {
            kernel,
            stride,
            padding,
        } => {
            let [c, h, w] = inputs[0];
            [
                c,
                slide(h, kernel, stride, padding),
                slide(w, kernel, stride, padding),
            ]
        }
        Op::AvgPool { side } => [inputs[0][0], side, side],
        Op::Flatten => [inputs[0].iter().product(), 1, 1],
        Op::Linear {
            inputs: features,
            outputs,
        } => {
            expect(inputs[0].iter().product(), features, "features")?;
            [outputs, 1, 1]
        }
        Op::Add => {
            if inputs[0] != inputs[1] {
                return Err(format!("adds {:?} and {:?}", inputs[0], inputs[1]));
            }
            inputs[0]
        }
        Op::Upsample { height, width } => {
            let [c, h, w] = inputs[0];
            if height < h || width < w {
                return Err(format!("upsamples {h} x {w} to {height} x {width}"));
            }
            [c, height, width]
        }
        Op::EvidencePool { .. } | Op::SoftMaximum { .. } => [inputs[0][0], 1, 1],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::NodeId;
    use crate::model::{Architecture, ModelConfig};

    #[test]
    fn an_output_that_is_not_among_the_nodes_is_named() {
        let config = ModelConfig::new(Architecture::Cnn);
        let sound = config.graph([1, 32, 32], 1).unwrap();
        let far = NodeId(sound.nodes.len());
        type Change = fn(&mut Graph, NodeId);
        let changes: [Change; 5] = [
            |graph, far| graph.logits = far,
            |graph, far| graph.features = far,
            |graph, far| graph.evidence = Some(far),
            |graph, far| graph.guard = Some(far),
            |graph, far| graph.stages.push((String::new(), far)),
        ];
        for change in changes {
            let mut torn = sound.clone();
            change(&mut torn, far);
            let error = infer(&torn).unwrap_err();
            assert_eq!(error.node, far.0.to_string());
            assert_eq!(torn.outputs(), 0);
        }
        assert!(infer(&sound).is_ok());
    }
}
