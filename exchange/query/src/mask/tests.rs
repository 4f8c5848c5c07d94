use proptest::prelude::*;

use super::*;

fn shown(kind: MaskKind, column: ArrayRef) -> ArrayRef {
    let key = MacKey::from_bytes(&[7; 32]).unwrap();
    let schema = Arc::new(Schema::new(vec![Field::new("c", column.data_type().clone(), true)]));
    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![column]).unwrap();
    let input = Arc::new(datafusion::physical_expr::expressions::Column::new("c", 0));
    let mask = Mask::new(kind, &key);
    let expr = mask.over(input, &schema).unwrap();
    let result = expr.evaluate(&batch).unwrap().into_array(batch.num_rows()).unwrap();
    assert_eq!(result.data_type(), mask.field(schema.field(0)).unwrap().data_type());
    result
}

fn texts(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(values.iter().copied().collect::<StringViewArray>())
}

#[test]
fn text_masks_count_characters_and_keep_null() {
    let names = texts(&[Some("欧阳修明"), Some("a"), Some(""), None]);
    let first = shown(MaskKind::KeepFirst { count: 1 }, Arc::clone(&names));
    assert_eq!(&first, &texts(&[Some("欧***"), Some("a"), Some(""), None]));
    let last = shown(MaskKind::KeepLast { count: 2 }, names);
    assert_eq!(&last, &texts(&[Some("**修明"), Some("a"), Some(""), None]));
}

#[test]
fn numbers_fall_to_the_bucket_below_and_never_overflow() {
    let numbers: ArrayRef =
        Arc::new(Int64Array::from(vec![Some(-1), Some(0), Some(1999), Some(i64::MIN), None]));
    let floors = shown(MaskKind::Bucket { width: 1000 }, numbers);
    let expected = Int64Array::from(vec![Some(-1000), Some(0), Some(1000), Some(i64::MIN), None]);
    assert_eq!(floors.as_primitive::<Int64Type>(), &expected);

    let money =
        |values: Vec<Option<i128>>| Decimal128Array::from(values).with_precision_and_scale(18, 2).unwrap();
    let amounts: ArrayRef = Arc::new(money(vec![Some(12_345), Some(-1), None]));
    let floors = shown(MaskKind::Bucket { width: 100 }, amounts);
    assert_eq!(floors.as_primitive::<Decimal128Type>(), &money(vec![Some(10_000), Some(-10_000), None]));
}

#[test]
fn years_of_times_are_those_in_china() {
    let new_year_in_china = 1_767_197_100_000_000; // 2025-12-31T16:05:00Z
    let times: ArrayRef = Arc::new(PrimitiveArray::<TimestampMicrosecondType>::from(vec![
        Some(new_year_in_china),
        Some(i64::MAX),
        None,
    ]));
    let years = shown(MaskKind::Year, times);
    assert_eq!(years.as_primitive::<Int64Type>(), &Int64Array::from(vec![Some(2026), None, None]));
}

#[test]
fn pseudonyms_join_within_one_application_only() {
    let ids = texts(&[Some("110101199003070011"), None, Some("110101199003070011")]);
    let of = |application: &str| {
        shown(MaskKind::Pseudonym { application: application.to_owned() }, Arc::clone(&ids))
    };
    let (one, other) = (of("a"), of("b"));
    let value = |column: &ArrayRef, row| column.as_string_view().value(row).to_owned();
    assert_eq!(value(&one, 0), value(&one, 2));
    assert_eq!(value(&one, 0).len(), 32);
    assert!(one.is_null(1));
    assert_ne!(value(&one, 0), value(&other, 0));
}

#[test]
fn a_mask_that_does_not_fit_is_refused() {
    let key = MacKey::from_bytes(&[7; 32]).unwrap();
    let flag = Field::new("flag", DataType::Boolean, true);
    for kind in [MaskKind::Year, MaskKind::Bucket { width: 1 }, MaskKind::KeepFirst { count: 1 }] {
        assert!(Mask::new(kind, &key).field(&flag).is_err());
    }
}

fn one(kind: MaskKind, text: &str) -> String {
    shown(kind, texts(&[Some(text)])).as_string_view().value(0).to_owned()
}

proptest! {
    #[test]
    fn kept_characters_stay_and_all_others_are_stars(text in "\\PC{0,30}", count in 0..40_u16) {
        let (length, kept) = (text.chars().count(), usize::from(count));
        let first: Vec<char> = one(MaskKind::KeepFirst { count }, &text).chars().collect();
        prop_assert_eq!(first.len(), length);
        prop_assert!(first.iter().take(kept).copied().eq(text.chars().take(kept)));
        prop_assert!(first.iter().skip(kept).all(|character| *character == '*'));
        let last: Vec<char> = one(MaskKind::KeepLast { count }, &text).chars().collect();
        prop_assert_eq!(last.len(), length);
        prop_assert!(last.iter().rev().take(kept).copied().eq(text.chars().rev().take(kept)));
        prop_assert!(last.iter().rev().skip(kept).all(|character| *character == '*'));
    }

    #[test]
    fn pseudonyms_are_equal_just_where_the_values_are(one_text in "[a-c]{0,3}", other in "[a-c]{0,3}") {
        let of = |text: &str| one(MaskKind::Pseudonym { application: "aid".to_owned() }, text);
        prop_assert_eq!(of(&one_text) == of(&other), one_text == other);
        prop_assert!(of(&one_text).bytes().all(|byte| byte.is_ascii_hexdigit()) && of(&one_text).len() == 32);
    }

    #[test]
    fn a_bucket_holds_its_numbers(number in any::<i64>(), width in 1..u32::MAX) {
        let floors = shown(MaskKind::Bucket { width }, Arc::new(Int64Array::from(vec![number])));
        let floor = floors.as_primitive::<Int64Type>().value(0);
        if floor != i64::MIN {
            prop_assert!(floor <= number && i128::from(number) - i128::from(floor) < i128::from(width));
            prop_assert_eq!(floor % i64::from(width), 0);
        }
    }

    #[test]
    fn a_date_shows_its_year(days in -700_000..3_000_000_i32) {
        let date = chrono::NaiveDate::default() + chrono::TimeDelta::days(i64::from(days));
        let years = shown(MaskKind::Year, Arc::new(PrimitiveArray::<Date32Type>::from(vec![days])));
        prop_assert_eq!(years.as_primitive::<Int64Type>().value(0), i64::from(date.year()));
    }
}
