//! Golden texts by arrow type, and files that are broken.

use std::sync::Arc;

use arrow_array::builder::{MapBuilder, StringBuilder};
use arrow_array::*;
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;

use super::*;
use crate::error::Error;
use crate::read::source::Source;

fn write(columns: Vec<(&str, ArrayRef)>) -> (tempfile::NamedTempFile, Source) {
    let nullable = columns.into_iter().map(|(name, array)| (name, array, true));
    let batch = RecordBatch::try_from_iter_with_nullable(nullable).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut writer = ArrowWriter::try_new(file.reopen().unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let source = Source::file(file.path(), "logs/a.parquet");
    (file, source)
}

fn column(array: ArrayRef) -> Vec<Option<String>> {
    let (_file, source) = write(vec![("a", array)]);
    let mut texts = Vec::new();
    read_table(&source, &["a"], &mut |row| {
        texts.push(row.get(0).map(str::to_owned));
        Ok(())
    })
    .unwrap();
    texts
}

fn one(array: impl Array + 'static) -> String {
    column(Arc::new(array))[0].clone().unwrap()
}

#[test]
fn every_type_has_its_plain_text() {
    assert_eq!(one(Int64Array::from(vec![i64::MIN])), "-9223372036854775808");
    assert_eq!(one(UInt64Array::from(vec![u64::MAX])), "18446744073709551615");
    assert_eq!(one(Float64Array::from(vec![0.0418806])), "0.0418806");
    assert_eq!(one(Float64Array::from(vec![5.6e-5])), "0.000056");
    assert_eq!(one(Float32Array::from(vec![0.1f32])), "0.1");
    assert_eq!(one(BooleanArray::from(vec![true])), "true");
    let decimal = Decimal128Array::from(vec![-48_250_000]).with_precision_and_scale(38, 6).unwrap();
    assert_eq!(one(decimal), "-48.250000");
    assert_eq!(one(StringArray::from(vec!["é, \"x\""])), "é, \"x\"");
    assert_eq!(one(BinaryArray::from(vec![&b"gpt-5"[..]])), "gpt-5");
    assert_eq!(one(BinaryArray::from(vec![&b"\xff\x00"[..]])), "ff00");
    assert_eq!(one(Date32Array::from(vec![20_587])), "2026-05-14");
}

#[test]
fn timestamps_of_every_unit_are_utc_text() {
    let seconds = 1_778_751_067; // 2026-05-14T09:31:07Z
    let millis = TimestampMillisecondArray::from(vec![seconds * 1_000 + 412]);
    assert_eq!(one(millis.clone()), "2026-05-14T09:31:07.412Z");
    assert_eq!(one(millis.with_timezone("UTC")), "2026-05-14T09:31:07.412Z");
    let berlin = TimestampMicrosecondArray::from(vec![seconds * 1_000_000]).with_timezone("Europe/Berlin");
    assert_eq!(one(berlin), "2026-05-14T09:31:07Z");
    assert_eq!(
        one(TimestampNanosecondArray::from(vec![seconds * 1_000_000_000 + 1])),
        "2026-05-14T09:31:07.000000001Z"
    );
    assert_eq!(one(TimestampSecondArray::from(vec![-1])), "1969-12-31T23:59:59Z");
}

#[test]
fn dictionaries_maps_and_lists() {
    let dictionary: DictionaryArray<types::Int8Type> = vec![Some("a"), None, Some("a")].into_iter().collect();
    assert_eq!(column(Arc::new(dictionary)), vec![Some("a".into()), None, Some("a".into())]);
    let mut map = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    map.keys().append_value("team");
    map.values().append_value("say \"hi\"");
    map.keys().append_value("none");
    map.values().append_null();
    map.append(true).unwrap();
    assert_eq!(one(map.finish()), r#"{"team":"say \"hi\"","none":null}"#);
    let list = ListArray::from_iter_primitive::<types::Int32Type, _, _>(vec![Some(vec![Some(1), None])]);
    assert_eq!(one(list), "[1,null]");
}

#[test]
fn columns_are_found_by_name_and_may_be_missing() {
    let (_file, source) = write(vec![
        ("Spend", Arc::new(Int32Array::from(vec![Some(1), None]))),
        ("other", Arc::new(Int32Array::from(vec![7, 8]))),
    ]);
    let mut rows = Vec::new();
    let info = read_table(&source, &["model", "spend"], &mut |row| {
        rows.push((
            row.number,
            row.origin(&source).to_string(),
            row.get(0).map(str::to_owned),
            row.get(1).map(str::to_owned),
        ));
        Ok(())
    })
    .unwrap();
    assert_eq!(info, TableInfo { columns: vec!["Spend".into(), "other".into()], rows: 2 });
    assert_eq!(
        rows,
        vec![
            (1, "logs/a.parquet:1".into(), None, Some("1".into())),
            (2, "logs/a.parquet:2".into(), None, None)
        ]
    );
    assert_eq!(source.sample().unwrap().first_line(), r#""Spend","other""#);
}

#[test]
fn blocks_keep_numbers_and_share_texts() {
    let (_file, source) = write(vec![
        ("model", Arc::new(StringArray::from(vec![Some("a"), None, Some("a"), Some("b")]))),
        ("input", Arc::new(UInt64Array::from(vec![Some(1), Some(2), None, Some(4)]))),
    ]);
    let mut blocks = 0;
    read_blocks(&source, &["input", "model", "none"], Share::WHOLE, &mut |block| {
        assert_eq!((block.first_row, block.rows), (1, 4));
        assert!(block.columns[2].is_none());
        let Some(Cells::Texts { codes, texts }) = &block.columns[1] else { panic!() };
        assert_eq!(
            codes.iter().map(|code| code.map(|code| texts[code as usize].as_ref())).collect::<Vec<_>>(),
            [Some("a"), None, Some("a"), Some("b")]
        );
        assert_eq!(texts.len(), 2);
        assert_eq!(block.columns[0], Some(Cells::Integers(vec![Some(1), Some(2), None, Some(4)])));
        blocks += 1;
        Ok(())
    })
    .unwrap();
    assert_eq!(blocks, 1);
}

#[test]
fn a_column_of_type_null_and_a_null_in_a_dictionary_hold_nothing() {
    let (_file, source) = write(vec![("nothing", Arc::new(NullArray::new(2)))]);
    let mut rows = Vec::new();
    read_table(&source, &["nothing"], &mut |row| {
        rows.push(row.get(0).map(str::to_owned));
        Ok(())
    })
    .unwrap();
    assert_eq!(rows, [None, None]);
    read_blocks(&source, &["nothing"], Share::WHOLE, &mut |block| {
        assert_eq!(block.columns[0], Some(Cells::Texts { codes: vec![None, None], texts: vec![] }));
        Ok(())
    })
    .unwrap();
    let values: ArrayRef = Arc::new(StringArray::from(vec![None, Some("a")]));
    let dictionary = DictionaryArray::new(Int32Array::from(vec![0, 1]), values);
    assert_eq!([0, 1].map(|row| cell::is_null(&dictionary, row)), [true, false]);
}

#[test]
fn a_type_without_text_is_refused_by_name() {
    let (_file, source) = write(vec![("latency", Arc::new(DurationSecondArray::from(vec![1])))]);
    let Err(Error::Input(diagnostics)) = read_table(&source, &["latency"], &mut |_| Ok(())) else { panic!() };
    assert_eq!(diagnostics[0].code, "unsupported-column-type");
    assert!(read_table(&source, &["other"], &mut |_| Ok(())).is_ok());
}

#[test]
fn broken_files_are_located_and_never_panic() {
    let values: Vec<String> = (0..500).map(|n| format!("model-{}", n % 7)).collect();
    let (file, source) = write(vec![
        ("model", Arc::new(StringArray::from(values))),
        ("input", Arc::new(Int64Array::from_iter_values(0..500))),
    ]);
    let whole = std::fs::read(file.path()).unwrap();
    for cut in [0, 3, 4, 12, whole.len() / 2, whole.len() - 1] {
        std::fs::write(file.path(), &whole[..cut]).unwrap();
        let Err(Error::Input(diagnostics)) = column_names(&source) else { panic!("{cut}") };
        assert_eq!(
            (diagnostics[0].code, diagnostics[0].origin.to_string()),
            ("unreadable-parquet", "logs/a.parquet".into())
        );
    }
    for place in (4..whole.len()).step_by(1) {
        let mut bytes = whole.clone();
        bytes[place] ^= 0x55;
        std::fs::write(file.path(), &bytes).unwrap();
        // A flipped bit in a value cannot be told; what matters is that nothing aborts.
        let _ = read_table(&source, &["model", "input"], &mut |_| Ok(()));
    }
}

#[test]
fn a_compressed_file_is_unpacked_first() {
    let (file, _) = write(vec![("a", Arc::new(Int64Array::from(vec![5])))]);
    let packed = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(packed.path(), zstd::encode_all(&std::fs::read(file.path()).unwrap()[..], 1).unwrap())
        .unwrap();
    let source = Source::file(packed.path(), "a.parquet.zst");
    let mut seen = Vec::new();
    read_table(&source, &["a"], &mut |row| {
        seen.push(row.get(0).map(str::to_owned));
        Ok(())
    })
    .unwrap();
    assert_eq!(seen, [Some("5".to_owned())]);
}

#[test]
fn an_unfinished_table_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("usage.parquet");
    let columns = [("a", ColumnType::Text), ("n", ColumnType::Count)];
    let mut writer = TableWriter::create(&target, &columns).unwrap();
    writer.row(&[Value::Text("x"), Value::Count(1)]).unwrap();
    assert!(writer.row(&[Value::Count(1), Value::Null]).is_err());
    drop(writer);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn two_spellings_of_one_name_are_two_columns() {
    let schema =
        Schema::new(vec![Field::new("A", DataType::Int32, false), Field::new("a", DataType::Int32, false)]);
    let batch = RecordBatch::try_new(
        Arc::new(schema),
        vec![Arc::new(Int32Array::from(vec![1])), Arc::new(Int32Array::from(vec![2]))],
    )
    .unwrap();
    let columns = batch
        .schema()
        .fields()
        .iter()
        .zip(batch.columns())
        .map(|(f, c)| (f.name().clone(), c.clone()))
        .collect::<Vec<_>>();
    let (_file, source) = write(columns.iter().map(|(name, array)| (name.as_str(), array.clone())).collect());
    read_table(&source, &["a"], &mut |row| {
        assert_eq!(row.get(0), Some("2"));
        Ok(())
    })
    .unwrap();
}
