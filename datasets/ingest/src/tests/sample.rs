use catalog_core::ErrorCode;

use super::*;

impl Desk {
    async fn sample(&self, resource: &Resource, name: &str, content: impl AsRef<[u8]>) -> Result<Sample> {
        let delivery = Delivery::of_path(self.file(name, content))?;
        let ingest = Ingest {
            store: &self.store,
            resource,
            order_key: &self.order_key,
            signing_key: &self.signing_key,
            divisions: None,
            references: None,
            progress: Arc::<Seen>::clone(&self.seen),
        };
        ingest.check_sample(&delivery, &IngestOptions::new(1, NOW)).await
    }

    fn has_written(&self) -> bool {
        std::fs::read_dir(self.folder.path().join("store")).unwrap().count() > 0
    }
}

fn told(sample: &Sample) -> Vec<String> {
    sample.cells.iter().map(|cell| format!("{} {} {}", cell.row, cell.column, cell.rule)).collect()
}

#[tokio::test]
async fn a_sample_is_told_its_bad_cells_and_writes_nothing() {
    let desk = Desk::new();
    let content =
        "编号,城市,金额,日期\n1,a,1.00,2026-01-01\n2,b,many,2026-01-02\n1,c,2.00,2026-02-30\n1,d,2.00,\n";
    let sample = desk.sample(&things(), "a.csv", content).await.unwrap();
    assert_eq!(told(&sample), ["3 amount type", "4 day type", "5 id unique"]);
    assert_eq!((sample.quality.rows_read, sample.quality.rows_quarantined), (4, 3));
    assert!(sample.header.is_empty() && !desk.has_written());

    let whole = desk.lenient(&things(), "a.csv", content).await;
    assert_eq!(whole.manifest.quality, sample.quality, "an upload of the same rows finds the same");
}

#[tokio::test]
async fn a_sample_is_told_what_is_wrong_with_its_header() {
    let desk = Desk::new();
    let sample = desk.sample(&things(), "a.csv", "城市,金额,备注\na,1.00,x\n").await.unwrap();
    let rules: Vec<_> = sample.header.iter().map(|problem| problem.rule.as_str()).collect();
    assert_eq!(rules, ["header.unknown", "header.missing"]);
    assert_eq!(sample.quality.rows_read, 0);
}

#[tokio::test]
async fn a_sample_is_short_and_of_text() {
    let desk = Desk::new();
    let rows = |count: u64| {
        (0..count).fold("id,city,amount,day\n".to_owned(), |text, row| text + &format!("{row},a,,\n"))
    };
    assert_eq!(
        desk.sample(&things(), "a.csv", rows(SAMPLE_ROWS)).await.unwrap().quality.rows_read,
        SAMPLE_ROWS
    );
    let error = desk.sample(&things(), "a.csv", rows(SAMPLE_ROWS + 1)).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::TooLarge);
    let lines = desk
        .sample(&things(), "a.jsonl", "{\"id\":\"1\",\"city\":\"a\"}\n{\"id\":\"1\",\"city\":\"b\"}\n")
        .await
        .unwrap();
    assert_eq!(told(&lines), ["2 id unique"]);
    for name in ["a.xlsx", "a.parquet", "a.geojson"] {
        assert_eq!(desk.sample(&things(), name, "x").await.unwrap_err().code, ErrorCode::UnsupportedFormat);
    }
}

#[tokio::test]
async fn an_ingest_tells_its_stages() {
    #[derive(Default)]
    struct Stages(Mutex<Vec<Stage>>);
    impl Progress for Stages {
        fn progressed(&self, progressed: Progressed) {
            let mut stages = self.0.lock().unwrap();
            if stages.last() != Some(&progressed.stage) {
                stages.push(progressed.stage);
            }
        }
    }
    let (desk, stages) = (Desk::new(), Arc::new(Stages::default()));
    let delivery = Delivery::of_path(desk.file("a.csv", "id,city,amount,day\n1,a,,\n")).unwrap();
    let resource = things();
    let ingest = Ingest {
        store: &desk.store,
        resource: &resource,
        order_key: &desk.order_key,
        signing_key: &desk.signing_key,
        divisions: None,
        references: None,
        progress: Arc::<Stages>::clone(&stages),
    };
    ingest.prepare(&delivery, &IngestOptions::new(1, NOW)).await.unwrap();
    assert_eq!(*stages.0.lock().unwrap(), [Stage::Checking, Stage::Writing, Stage::Verifying]);
}
