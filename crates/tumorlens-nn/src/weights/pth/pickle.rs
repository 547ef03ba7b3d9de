//! A machine that runs a pickle only as far as it describes tensors.
//!
//! Protocol 2, as documented in CPython's `pickletools.py`. All compound values live in one arena and are named by
//! their index, so copying and dropping a value is cheap however the program nests them.

use super::super::file::shown;
use super::opcode;
use super::reference::{Storage, TensorReference};
use super::value::{Global, Object, Value};
use std::collections::BTreeSet;

/// Most values that a program may make.
const MOST_VALUES: usize = 1 << 20;

/// The tensors of the dictionary that `program` describes, in its order.
pub(super) fn tensors(program: &[u8]) -> Result<Vec<(String, TensorReference)>, String> {
    let mut machine = Machine {
        program,
        ..Machine::default()
    };
    let result = machine.run()?;
    machine.state_dict(result)
}

#[derive(Debug, Default)]
struct Machine<'a> {
    /// What is left of it.
    program: &'a [u8],
    stack: Vec<Value>,
    /// Heights of the stack at the open marks.
    marks: Vec<usize>,
    memo: Vec<Option<Value>>,
    arena: Vec<Object>,
}

impl Machine<'_> {
    fn run(&mut self) -> Result<Value, String> {
        loop {
            let code = self.bytes(1)?[0];
            match code {
                opcode::STOP => return self.pop(),
                opcode::PROTO => self.protocol()?,
                opcode::MARK => self.marks.push(self.stack.len()),
                opcode::GLOBAL => self.global()?,
                opcode::BINUNICODE => self.text()?,
                opcode::BINPUT | opcode::LONG_BINPUT => self.put(code)?,
                opcode::BINGET | opcode::LONG_BINGET => self.get(code)?,
                opcode::BININT | opcode::BININT1 | opcode::BININT2 => self.integer(code)?,
                opcode::NONE | opcode::NEWTRUE | opcode::NEWFALSE => self.push(Value::Constant)?,
                opcode::EMPTY_TUPLE => self.make(Object::Tuple(vec![]))?,
                opcode::TUPLE1 | opcode::TUPLE2 | opcode::TUPLE3 => {
                    let count = usize::from(code - opcode::TUPLE1) + 1;
                    let start = self.stack.len().checked_sub(count).ok_or_else(underflow)?;
                    self.tuple(start)?;
                }
                opcode::TUPLE => {
                    let start = self.marks.pop().ok_or_else(underflow)?;
                    self.tuple(start)?;
                }
                opcode::EMPTY_DICT => self.make(Object::Dict(vec![]))?,
                opcode::SETITEM => {
                    let start = self.stack.len().checked_sub(2).ok_or_else(underflow)?;
                    self.set_items(start)?;
                }
                opcode::SETITEMS => {
                    let start = self.marks.pop().ok_or_else(underflow)?;
                    self.set_items(start)?;
                }
                opcode::BINPERSID => self.storage()?,
                opcode::REDUCE => self.reduce()?,
                opcode::BUILD => self.build()?,
                _ => {
                    return Err(format!(
                        "the pickle uses {}, which no plain state dict needs",
                        opcode::name(code)
                    ));
                }
            }
        }
    }

    fn bytes(&mut self, count: usize) -> Result<&[u8], String> {
        let (taken, rest) = self
            .program
            .split_at_checked(count)
            .ok_or_else(|| "the pickle ends too early".to_owned())?;
        self.program = rest;
        Ok(taken)
    }

    /// An unsigned little-endian number.
    fn number(&mut self, count: usize) -> Result<u32, String> {
        Ok(self
            .bytes(count)?
            .iter()
            .rev()
            .fold(0, |value, &byte| value << 8 | u32::from(byte)))
    }

    fn line(&mut self) -> Result<String, String> {
        let end = self
            .program
            .iter()
            .position(|&byte| byte == b'\n')
            .ok_or_else(|| "the pickle ends too early".to_owned())?;
        let text = String::from_utf8_lossy(self.bytes(end)?).into_owned();
        self.bytes(1)?;
        Ok(text)
    }

    fn push(&mut self, value: Value) -> Result<(), String> {
        if self.stack.len() >= MOST_VALUES {
            return Err(format!("the pickle holds more than {MOST_VALUES} values"));
        }
        self.stack.push(value);
        Ok(())
    }

    /// The value on top; a mark protects what lies below it.
    fn pop(&mut self) -> Result<Value, String> {
        if self
            .marks
            .last()
            .is_some_and(|&mark| mark >= self.stack.len())
        {
            return Err(underflow());
        }
        self.stack.pop().ok_or_else(underflow)
    }

    fn make(&mut self, object: Object) -> Result<(), String> {
        self.arena.push(object);
        self.push(Value::Object(self.arena.len() - 1))
    }

    fn protocol(&mut self) -> Result<(), String> {
        match self.number(1)? {
            2 => Ok(()),
            other => Err(format!("pickle protocol {other}; PyTorch writes 2")),
        }
    }

    fn global(&mut self) -> Result<(), String> {
        let (module, name) = (self.line()?, self.line()?);
        self.push(Value::Global(Global::find(&module, &name)?))
    }

    fn text(&mut self) -> Result<(), String> {
        let length = usize::try_from(self.number(4)?).map_err(|_| underflow())?;
        let text = std::str::from_utf8(self.bytes(length)?)
            .map_err(|_| "a text in the pickle is not UTF-8".to_owned())?;
        let object = Object::Text(text.to_owned());
        self.make(object)
    }

    fn integer(&mut self, code: u8) -> Result<(), String> {
        let value = match code {
            opcode::BININT1 => i64::from(self.number(1)?),
            opcode::BININT2 => i64::from(self.number(2)?),
            // The only signed one.
            _ => i64::from(self.number(4)?.cast_signed()),
        };
        self.push(Value::Integer(value))
    }

    fn memo_index(&mut self, short: bool) -> Result<usize, String> {
        let index = self.number(if short { 1 } else { 4 })?;
        usize::try_from(index)
            .ok()
            .filter(|&index| index < MOST_VALUES)
            .ok_or_else(underflow)
    }

    fn put(&mut self, code: u8) -> Result<(), String> {
        let index = self.memo_index(code == opcode::BINPUT)?;
        let value = *self.stack.last().ok_or_else(underflow)?;
        if index >= self.memo.len() {
            self.memo.resize(index + 1, None);
        }
        self.memo[index] = Some(value);
        Ok(())
    }

    fn get(&mut self, code: u8) -> Result<(), String> {
        let index = self.memo_index(code == opcode::BINGET)?;
        let value = self
            .memo
            .get(index)
            .copied()
            .flatten()
            .ok_or_else(underflow)?;
        self.push(value)
    }

    /// Everything from `start` up becomes a tuple.
    fn tuple(&mut self, start: usize) -> Result<(), String> {
        let items = self.split(start)?;
        self.make(Object::Tuple(items))
    }

    /// Everything from `start` up, key and value in turn, goes into the dictionary below.
    fn set_items(&mut self, start: usize) -> Result<(), String> {
        let items = self.split(start)?;
        let target = *self.stack.last().ok_or_else(underflow)?;
        let Some(Object::Dict(dict)) = object_mut(&mut self.arena, target) else {
            return Err("the pickle fills what is no dictionary".to_owned());
        };
        let (pairs, rest) = items.as_chunks();
        dict.extend(pairs.iter().map(|&[key, value]| (key, value)));
        if rest.is_empty() {
            Ok(())
        } else {
            Err(underflow())
        }
    }

    fn split(&mut self, start: usize) -> Result<Vec<Value>, String> {
        let protected = self.marks.last().copied().unwrap_or(0);
        if start > self.stack.len() || start < protected {
            return Err(underflow());
        }
        Ok(self.stack.split_off(start))
    }

    /// A persistent id `("storage", type, key, location, length)` becomes that storage.
    fn storage(&mut self) -> Result<(), String> {
        let id = self.pop()?;
        let wrong = || "the pickle refers to something that is no storage".to_owned();
        let &[
            kind,
            Value::Global(Global::Storage(element)),
            key,
            _,
            Value::Integer(length),
        ] = self.as_tuple(id).ok_or_else(wrong)?
        else {
            return Err(wrong());
        };
        if self.as_text(kind) != Some("storage") {
            return Err(wrong());
        }
        let key = self
            .as_text(key)
            .filter(|key| key.bytes().all(|c| c.is_ascii_digit()))
            .ok_or_else(wrong)?;
        let length = usize::try_from(length).map_err(|_| wrong())?;
        let storage = Storage {
            key: key.to_owned(),
            element,
            length,
        };
        self.make(Object::Storage(storage))
    }

    /// The two calls of a state dict: an empty `OrderedDict`, and a tensor from its storage.
    fn reduce(&mut self) -> Result<(), String> {
        let (arguments, callee) = (self.pop()?, self.pop()?);
        let arguments = self.as_tuple(arguments).ok_or_else(underflow)?;
        match (callee, arguments) {
            (Value::Global(Global::OrderedDict), []) => self.make(Object::Dict(vec![])),
            (
                Value::Global(Global::RebuildTensor),
                &[storage, Value::Integer(offset), shape, strides, _, _],
            ) => {
                let tensor = self.tensor(storage, offset, shape, strides);
                self.make(Object::Tensor(tensor.ok_or_else(|| {
                    "a tensor in the pickle is malformed".to_owned()
                })?))
            }
            _ => {
                Err("the pickle calls something in a way that no plain state dict does".to_owned())
            }
        }
    }

    fn tensor(
        &self,
        storage: Value,
        offset: i64,
        shape: Value,
        strides: Value,
    ) -> Option<TensorReference> {
        let Some(Object::Storage(storage)) = self.object(storage) else {
            return None;
        };
        let size = |item: &Value| match *item {
            Value::Integer(n) => usize::try_from(n).ok(),
            _ => None,
        };
        let sizes = |value| {
            self.as_tuple(value)?
                .iter()
                .map(size)
                .collect::<Option<Vec<usize>>>()
        };
        let (shape, strides) = (sizes(shape)?, sizes(strides)?);
        let offset = usize::try_from(offset).ok()?;
        (shape.len() == strides.len()).then(|| TensorReference {
            storage: storage.clone(),
            offset,
            shape,
            strides,
        })
    }

    /// Attributes of the dictionary below, i.e. its versions: dropped.
    fn build(&mut self) -> Result<(), String> {
        let (state, target) = (self.pop()?, *self.stack.last().ok_or_else(underflow)?);
        match (self.object(state), self.object(target)) {
            (Some(Object::Dict(_)), Some(Object::Dict(_))) => Ok(()),
            _ => Err("the pickle builds an object".to_owned()),
        }
    }

    fn state_dict(&self, result: Value) -> Result<Vec<(String, TensorReference)>, String> {
        let Some(Object::Dict(items)) = self.object(result) else {
            return Err("holds no dictionary; save model.state_dict()".to_owned());
        };
        let mut tensors: Vec<(String, TensorReference)> = Vec::with_capacity(items.len());
        let mut names = BTreeSet::new();
        for &(key, value) in items {
            let name = self
                .as_text(key)
                .ok_or_else(|| "a key of the dictionary is no text".to_owned())?;
            let Some(Object::Tensor(tensor)) = self.object(value) else {
                return Err(format!(
                    "{} is no tensor; save model.state_dict() itself",
                    shown(name)
                ));
            };
            if !names.insert(name) {
                return Err(format!("{} occurs twice", shown(name)));
            }
            tensors.push((name.to_owned(), tensor.clone()));
        }
        Ok(tensors)
    }

    fn object(&self, value: Value) -> Option<&Object> {
        if let Value::Object(index) = value {
            self.arena.get(index)
        } else {
            None
        }
    }

    fn as_tuple(&self, value: Value) -> Option<&[Value]> {
        if let Some(Object::Tuple(items)) = self.object(value) {
            Some(items)
        } else {
            None
        }
    }

    fn as_text(&self, value: Value) -> Option<&str> {
        if let Some(Object::Text(text)) = self.object(value) {
            Some(text)
        } else {
            None
        }
    }
}

fn object_mut(arena: &mut [Object], value: Value) -> Option<&mut Object> {
    if let Value::Object(index) = value {
        arena.get_mut(index)
    } else {
        None
    }
}

fn underflow() -> String {
    "the pickle is malformed".to_owned()
}
