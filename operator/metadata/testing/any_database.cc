#include "operator/metadata/testing/any_database.h"

#include <unistd.h>

#include <fstream>

#include "operator/metadata/postgres/postgres_database.h"
#include "operator/net/url.h"

namespace penstock::metadata {
namespace {

namespace fs = std::filesystem;

struct SharedServer {
  std::string why_not;
  std::unique_ptr<PostgresServer> server = PostgresServer::Start(why_not);
};

SharedServer& Shared() {
  static SharedServer server;
  return server;
}

}  // namespace

TimePoint At(int seconds) { return TimePoint(std::chrono::seconds(1'700'000'000 + seconds)); }

RunRecord FlightsRun(const std::string& uid, const std::string& outcome) {
  RunRecord run;
  run.uid = uid;
  run.namespace_ = "team";
  run.name = "flights-" + uid;
  run.pipeline = "flights";
  run.outcome = outcome;
  run.parameters = Json{{"minAuc", 0.65}};
  run.created = At(0);
  run.started = At(1);
  StepRecord ingest;
  ingest.name = "ingest";
  ingest.component = "ingest-1.0.0";
  ingest.phase = "Succeeded";
  ingest.attempt = 1;
  ingest.pod = "pod-ingest";
  ingest.started = At(1);
  ingest.finished = At(2);
  ingest.inputs = {{"source", "file", "", "https://data.example.com/flights.csv", false, 0}};
  ingest.outputs = {
      {"dataset", "dataset", "sha256:" + std::string(64, 'a'), "", true, 5'000'000'000}};
  StepRecord train;
  train.name = "train";
  train.phase = "Running";
  train.attempt = 1;
  train.pod = "pod-train-1";
  train.started = At(3);
  train.inputs = {{"train", "dataset", "sha256:" + std::string(64, 'a'), "", true, 5'000'000'000}};
  train.results = {{"loss", 0.25}, {"note", "fine"}};
  run.steps = {ingest, train};
  return run;
}

std::unique_ptr<PostgresSchema> PostgresSchema::Make(const fs::path& folder, std::string& why_not) {
  if (Shared().server == nullptr) {
    why_not = Shared().why_not;
    return nullptr;
  }
  static int made = 0;
  std::unique_ptr<PostgresSchema> schema(
      new PostgresSchema(*Shared().server, folder, "test_" + std::to_string(++made)));
  schema->server_.Sql("CREATE SCHEMA " + schema->name_);
  std::ofstream(folder / "ca.pem") << schema->server_.certificate();
  return schema;
}

std::string PostgresSchema::Url(const std::string& more) const {
  return std::string("postgresql://") + PostgresServer::kUser + ":" +
         net::UrlEncode(PostgresServer::kPassword) +
         "@127.0.0.1:" + std::to_string(server_.port()) + "/postgres?options=-csearch_path%3D" +
         name_ + more;
}

DatabasePtr PostgresSchema::Open(const std::string& url) const {
  const fs::path file = folder_ / "url";
  std::ofstream(file) << url << "\n";
  return OpenAsItIs();
}

DatabasePtr PostgresSchema::OpenAsItIs() const {
  return PostgresServerDatabase({folder_ / "url", folder_ / "ca.pem"});
}

std::string PostgresSchema::Sql(const std::string& statements) const {
  return server_.Sql("SET search_path = " + name_ + "; " + statements);
}

AnyDatabase::AnyDatabase() {
  std::string name = (fs::temp_directory_path() / "penstock-history-XXXXXX").string();
  folder_ = ::mkdtemp(name.data());
}

AnyDatabase::~AnyDatabase() {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

void AnyDatabase::SetUp() {
  if (GetParam() == Kind::kSqlite) {
    database_ = SqliteFile(folder_ / "metadata.sqlite");
    return;
  }
  std::string why_not;
  schema_ = PostgresSchema::Make(folder_, why_not);
  if (schema_ == nullptr) GTEST_SKIP() << why_not;
  database_ = schema_->Open(schema_->Url());
}

std::unique_ptr<BatchRecorder> AnyDatabase::OpenRecorder() {
  BatchRecorderOptions options;
  options.database = database_;
  options.first_wait = Milliseconds{1};
  options.warn = [this](const std::string& text) {
    const std::lock_guard lock(mutex_);
    warnings_ += text + "\n";
  };
  return BatchRecorder::Open(options, clock_);
}

std::string AnyDatabase::warnings() {
  const std::lock_guard lock(mutex_);
  return warnings_;
}

std::string NameOfKind(const ::testing::TestParamInfo<Kind>& info) {
  return info.param == Kind::kSqlite ? "SQLite" : "PostgreSQL";
}

}  // namespace penstock::metadata
