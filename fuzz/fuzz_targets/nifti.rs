//! Voxels, orientation and slices of all three planes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tumorlens_core::Plane;
use tumorlens_data::format::nifti;
use tumorlens_data::limits::Limits;
use tumorlens_data::volume::Volume;
use tumorlens_fuzz::reaches_the_network_as_numbers;

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits {
        max_file_bytes: 1 << 20,
        max_pixels: 1 << 18,
        max_alloc_bytes: 16 << 20,
        ..Limits::default()
    };
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
