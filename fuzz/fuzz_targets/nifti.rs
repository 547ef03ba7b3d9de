//! Voxels, orientation and slices of all three planes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tumorlens_core::Plane;
use tumorlens_data::format::nifti;
use tumorlens_data::volume::Volume;
use tumorlens_fuzz::{reaches_the_network_as_numbers, small};

fuzz_target!(|bytes: &[u8]| {
    let limits = small();
    let Ok(file) = nifti::decode(bytes, &limits) else {
        return;
    };
    let Ok(volume) = Volume::of(&file) else {
        return;
    };
    for plane in [Plane::Axial, Plane::Coronal, Plane::Sagittal] {
        for index in volume.worth_a_look(plane).into_iter().take(2) {
            if let Some(slice) = volume.slice(plane, index) {
                reaches_the_network_as_numbers(&slice);
            }
        }
        assert!(volume.slice(plane, volume.slices(plane)).is_none());
    }
});
