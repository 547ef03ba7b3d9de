//! The way in: picture files, folders and tables to a dataset on disk.

mod datasets;
mod folders;
mod hostile_folders;
mod pictures;
mod synthetic;
mod tables;
