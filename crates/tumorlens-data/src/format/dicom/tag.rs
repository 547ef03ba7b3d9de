//! Tags of the data elements that are read (DICOM PS3.6).

/// Group and element number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(
    /// Group.
    pub u16,
    /// Element.
    pub u16,
);

impl std::fmt::Display for Tag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "({:04X},{:04X})", self.0, self.1)
    }
}

macro_rules! tags {
    ($($name:ident = $group:literal $element:literal, $keyword:literal;)*) => {
        $(
            #[doc = $keyword]
            pub const $name: Tag = Tag($group, $element);
        )*

        /// The DICOM keyword of a tag that this program reads.
        #[must_use]
        pub fn keyword(tag: Tag) -> Option<&'static str> {
            match tag {
                $($name => Some($keyword),)*
                _ => None,
            }
        }
    };
}

tags! {
    TRANSFER_SYNTAX_UID = 0x0002 0x0010, "TransferSyntaxUID";
    IMAGE_TYPE = 0x0008 0x0008, "ImageType";
    SOP_CLASS_UID = 0x0008 0x0016, "SOPClassUID";
    SOP_INSTANCE_UID = 0x0008 0x0018, "SOPInstanceUID";
    MODALITY = 0x0008 0x0060, "Modality";
    CONVERSION_TYPE = 0x0008 0x0064, "ConversionType";
    MANUFACTURER = 0x0008 0x0070, "Manufacturer";
    SERIES_DESCRIPTION = 0x0008 0x103E, "SeriesDescription";
    PATIENT_NAME = 0x0010 0x0010, "PatientName";
    PATIENT_ID = 0x0010 0x0020, "PatientID";
    PATIENT_IDENTITY_REMOVED = 0x0012 0x0062, "PatientIdentityRemoved";
    DEIDENTIFICATION_METHOD = 0x0012 0x0063, "DeidentificationMethod";
    DEIDENTIFICATION_METHOD_CODE_SEQUENCE = 0x0012 0x0064, "DeidentificationMethodCodeSequence";
    CONTRAST_BOLUS_AGENT = 0x0018 0x0010, "ContrastBolusAgent";
    BODY_PART_EXAMINED = 0x0018 0x0015, "BodyPartExamined";
    SCANNING_SEQUENCE = 0x0018 0x0020, "ScanningSequence";
    SEQUENCE_VARIANT = 0x0018 0x0021, "SequenceVariant";
    MR_ACQUISITION_TYPE = 0x0018 0x0023, "MRAcquisitionType";
    SEQUENCE_NAME = 0x0018 0x0024, "SequenceName";
    SLICE_THICKNESS = 0x0018 0x0050, "SliceThickness";
    REPETITION_TIME = 0x0018 0x0080, "RepetitionTime";
    ECHO_TIME = 0x0018 0x0081, "EchoTime";
    INVERSION_TIME = 0x0018 0x0082, "InversionTime";
    MAGNETIC_FIELD_STRENGTH = 0x0018 0x0087, "MagneticFieldStrength";
    SPACING_BETWEEN_SLICES = 0x0018 0x0088, "SpacingBetweenSlices";
    PROTOCOL_NAME = 0x0018 0x1030, "ProtocolName";
    NUMBER_OF_IMAGES_IN_MOSAIC = 0x0019 0x100A, "NumberOfImagesInMosaic";
    STUDY_INSTANCE_UID = 0x0020 0x000D, "StudyInstanceUID";
    SERIES_INSTANCE_UID = 0x0020 0x000E, "SeriesInstanceUID";
    SERIES_NUMBER = 0x0020 0x0011, "SeriesNumber";
    INSTANCE_NUMBER = 0x0020 0x0013, "InstanceNumber";
    IMAGE_POSITION_PATIENT = 0x0020 0x0032, "ImagePositionPatient";
    IMAGE_ORIENTATION_PATIENT = 0x0020 0x0037, "ImageOrientationPatient";
    FRAME_OF_REFERENCE_UID = 0x0020 0x0052, "FrameOfReferenceUID";
    PLANE_POSITION_SEQUENCE = 0x0020 0x9113, "PlanePositionSequence";
    PLANE_ORIENTATION_SEQUENCE = 0x0020 0x9116, "PlaneOrientationSequence";
    SAMPLES_PER_PIXEL = 0x0028 0x0002, "SamplesPerPixel";
    PHOTOMETRIC_INTERPRETATION = 0x0028 0x0004, "PhotometricInterpretation";
    PLANAR_CONFIGURATION = 0x0028 0x0006, "PlanarConfiguration";
    NUMBER_OF_FRAMES = 0x0028 0x0008, "NumberOfFrames";
    ROWS = 0x0028 0x0010, "Rows";
    COLUMNS = 0x0028 0x0011, "Columns";
    PIXEL_SPACING = 0x0028 0x0030, "PixelSpacing";
    BITS_ALLOCATED = 0x0028 0x0100, "BitsAllocated";
    BITS_STORED = 0x0028 0x0101, "BitsStored";
    HIGH_BIT = 0x0028 0x0102, "HighBit";
    PIXEL_REPRESENTATION = 0x0028 0x0103, "PixelRepresentation";
    PIXEL_PADDING_VALUE = 0x0028 0x0120, "PixelPaddingValue";
    PIXEL_PADDING_RANGE_LIMIT = 0x0028 0x0121, "PixelPaddingRangeLimit";
    BURNED_IN_ANNOTATION = 0x0028 0x0301, "BurnedInAnnotation";
    LONGITUDINAL_TEMPORAL_INFORMATION_MODIFIED = 0x0028 0x0303, "LongitudinalTemporalInformationModified";
    WINDOW_CENTER = 0x0028 0x1050, "WindowCenter";
    WINDOW_WIDTH = 0x0028 0x1051, "WindowWidth";
    RESCALE_INTERCEPT = 0x0028 0x1052, "RescaleIntercept";
    RESCALE_SLOPE = 0x0028 0x1053, "RescaleSlope";
    VOI_LUT_FUNCTION = 0x0028 0x1056, "VOILUTFunction";
    RED_PALETTE_DESCRIPTOR = 0x0028 0x1101, "RedPaletteColorLookupTableDescriptor";
    GREEN_PALETTE_DESCRIPTOR = 0x0028 0x1102, "GreenPaletteColorLookupTableDescriptor";
    BLUE_PALETTE_DESCRIPTOR = 0x0028 0x1103, "BluePaletteColorLookupTableDescriptor";
    RED_PALETTE_DATA = 0x0028 0x1201, "RedPaletteColorLookupTableData";
    GREEN_PALETTE_DATA = 0x0028 0x1202, "GreenPaletteColorLookupTableData";
    BLUE_PALETTE_DATA = 0x0028 0x1203, "BluePaletteColorLookupTableData";
    MODALITY_LUT_SEQUENCE = 0x0028 0x3000, "ModalityLUTSequence";
    LUT_DESCRIPTOR = 0x0028 0x3002, "LUTDescriptor";
    LUT_DATA = 0x0028 0x3006, "LUTData";
    VOI_LUT_SEQUENCE = 0x0028 0x3010, "VOILUTSequence";
    PIXEL_MEASURES_SEQUENCE = 0x0028 0x9110, "PixelMeasuresSequence";
    FRAME_VOI_LUT_SEQUENCE = 0x0028 0x9132, "FrameVOILUTSequence";
    PIXEL_VALUE_TRANSFORMATION_SEQUENCE = 0x0028 0x9145, "PixelValueTransformationSequence";
    SHARED_FUNCTIONAL_GROUPS_SEQUENCE = 0x5200 0x9229, "SharedFunctionalGroupsSequence";
    PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE = 0x5200 0x9230, "PerFrameFunctionalGroupsSequence";
    EXTENDED_OFFSET_TABLE = 0x7FE0 0x0001, "ExtendedOffsetTable";
    FLOAT_PIXEL_DATA = 0x7FE0 0x0008, "FloatPixelData";
    DOUBLE_FLOAT_PIXEL_DATA = 0x7FE0 0x0009, "DoubleFloatPixelData";
    PIXEL_DATA = 0x7FE0 0x0010, "PixelData";
}
