use super::*;
use crate::graph::{ConvShape, GraphBuilder};
use tumorlens_core::Seed;

fn graph() -> Graph {
    let mut g = GraphBuilder::new([1, 4, 4]);
    let shape = ConvShape {
        channels: [1, 2],
        kernel: 3,
        stride: 1,
        bias: true,
    };
    let x = g.conv("conv1", g.input(), shape);
    let x = g.batch_norm("bn1", x, 2);
    g.finish(x, None, x)
}

fn file(header: &str, data: &[u8]) -> Vec<u8> {
    [
        &(header.len() as u64).to_le_bytes()[..],
        header.as_bytes(),
        data,
    ]
    .concat()
}

#[test]
fn single_precision_comes_back_exactly_and_the_bytes_do_not_vary() {
    let weights = Weights::initial(&graph(), Seed(3));
    let bytes = write(&weights, Precision::Single).unwrap();
    assert_eq!(read(bytes.clone().into(), &graph()).unwrap(), weights);
    assert_eq!(write(&weights, Precision::Single).unwrap(), bytes);
}

#[test]
fn half_precision_comes_back_rounded_to_eleven_bits() {
    let weights = Weights::initial(&graph(), Seed(3));
    let again = read(write(&weights, Precision::Half).unwrap().into(), &graph()).unwrap();
    for (a, b) in weights.parameters.iter().zip(&again.parameters) {
        for (a, b) in a.values.iter().zip(b.values.iter()) {
            assert!((a - b).abs() <= a.abs() / 2048.0, "{a} {b}");
        }
    }
    assert_eq!(
        write(&again, Precision::Half).unwrap(),
        write(&weights, Precision::Half).unwrap()
    );
}

#[test]
fn what_is_not_finite_is_neither_written_nor_read() {
    let mut weights = Weights::initial(&graph(), Seed(3));
    weights.parameters[1].values[0] = 70_000.0;
    write(&weights, Precision::Single).unwrap();
    let error = write(&weights, Precision::Half).unwrap_err().to_string();
    assert!(error.contains("'conv1.bias'"), "{error}");
    weights.parameters[1].values[0] = f32::NAN;
    write(&weights, Precision::Single).unwrap_err();
    let nan = file(
        r#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
        &f32::NAN.to_le_bytes(),
    );
    assert!(matches!(
        parse(&nan),
        Err(WeightsFileError::NotFinite { .. })
    ));
}

#[test]
fn missing_misshapen_and_unknown_tensors_are_named() {
    let weights = Weights::initial(&graph(), Seed(3));
    let error = |change: &dyn Fn(&mut Vec<Parameter>)| {
        let mut changed = weights.clone();
        change(&mut changed.parameters);
        read(write(&changed, Precision::Single).unwrap().into(), &graph())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        error(&|p| drop(p.remove(1))),
        "weights: 'conv1.bias' is missing"
    );
    assert_eq!(
        error(&|p| p[0].shape = vec![2, 9]),
        "weights: 'conv1.weight' has shape [2, 9], expected [2, 1, 3, 3]"
    );
    let extra = |p: &mut Vec<Parameter>| {
        let mut more = p[1].clone();
        more.name = "conv2.bias".to_owned();
        p.push(more);
    };
    assert_eq!(error(&extra), "weights: 'conv2.bias' belongs to no layer");
}

#[test]
fn half_formats_are_read_counters_are_left_out_and_other_types_refused() {
    let header = |dtype: &str, name: &str| {
        format!(
            r#"{{"{name}":{{"dtype":"{dtype}","shape":[1],"data_offsets":[0,{}]}}}}"#,
            if dtype == "I64" { 8 } else { 2 }
        )
    };
    // 1.5 is 0x3e00 in IEEE half precision and 0x3fc0 in bfloat16.
    assert_eq!(
        parse(&file(&header("F16", "w"), &[0x00, 0x3e])).unwrap()["w"].values[..],
        [1.5]
    );
    assert_eq!(
        parse(&file(&header("BF16", "w"), &[0xc0, 0x3f])).unwrap()["w"].values[..],
        [1.5]
    );
    assert!(
        parse(&file(&header("I64", "bn.num_batches_tracked"), &[0; 8]))
            .unwrap()
            .is_empty()
    );
    let error = parse(&file(&header("I64", "w"), &[0; 8]))
        .unwrap_err()
        .to_string();
    assert!(error.contains("'w' has type I64"), "{error}");
}
