//! One verb, one file.

pub(crate) mod audit;
pub(crate) mod bench;
pub(crate) mod compare;
pub(crate) mod crossval;
pub(crate) mod deidentify;
pub(crate) mod evaluate;
pub(crate) mod explain;
pub(crate) mod inspect;
pub(crate) mod phantom;
pub(crate) mod plan;
pub(crate) mod predict;
pub(crate) mod prepare;
pub(crate) mod protocols;
pub(crate) mod recalibrate;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod train;
pub(crate) mod tune;
pub(crate) mod verify;
