//! Dummy values, consistent with the value representation (action D of the profile).

/// Bytes of even length for a value representation; text says that something was taken out. Binary zeros read alike in
/// either byte order. `None` for a value representation that the standard does not know.
pub(super) fn value(vr: [u8; 2]) -> Option<&'static [u8]> {
    Some(match &vr {
        b"AE" | b"CS" | b"LO" | b"LT" | b"PN" | b"SH" | b"ST" | b"UC" | b"UT" => b"REMOVED ",
        b"UR" => b"http://removed.invalid",
        b"AS" => b"000Y",
        b"DA" => b"19000101",
        b"TM" => b"000000",
        b"DT" => b"19000101000000",
        b"DS" | b"IS" => b"0 ",
        b"OB" | b"OW" | b"SS" | b"US" | b"UN" => &[0; 2],
        b"AT" | b"FL" | b"OF" | b"OL" | b"SL" | b"UL" => &[0; 4],
        b"FD" | b"OD" | b"OV" | b"SV" | b"UV" => &[0; 8],
        _ => return None,
    })
}
