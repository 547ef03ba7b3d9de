//! What the machine's stack and arena hold.

use super::super::element::Element;
use super::super::file::shown;
use super::reference::{Storage, TensorReference};

/// The only names of Python that mean something here. None is called: each stands for a shape of data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Global {
    OrderedDict,
    RebuildTensor,
    Storage(Element),
}

impl Global {
    pub(super) fn find(module: &str, name: &str) -> Result<Self, String> {
        Ok(match (module, name) {
            ("collections", "OrderedDict") => Self::OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2") => Self::RebuildTensor,
            ("torch", "FloatStorage") => Self::Storage(Element::Single),
            ("torch", "DoubleStorage") => Self::Storage(Element::Double),
            ("torch", "HalfStorage") => Self::Storage(Element::Half),
            ("torch", "BFloat16Storage") => Self::Storage(Element::BFloat16),
            ("torch", "LongStorage") => Self::Storage(Element::Long),
            _ => {
                return Err(format!(
                    "the pickle asks for {}: only a plain state dict of tensors is read, nothing is executed",
                    shown(&format!("{module}.{name}"))
                ));
            }
        })
    }
}

/// A value on the stack.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value {
    /// None, True or False.
    Constant,
    Integer(i64),
    Global(Global),
    /// Index into the arena.
    Object(usize),
}

/// A compound value in the arena.
#[derive(Clone, Debug)]
pub(super) enum Object {
    Text(String),
    Tuple(Vec<Value>),
    Dict(Vec<(Value, Value)>),
    Storage(Storage),
    Tensor(TensorReference),
}
