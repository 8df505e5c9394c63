#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <soci.h>
#include <sqlite3/soci-sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <fstream>

#include "operator/metadata/batch_recorder.h"
#include "operator/metadata/query.h"
#include "operator/metadata/schema.h"
#include "operator/metadata/sqlite_file.h"
#include "operator/metadata/testing/any_database.h"
#include "operator/metadata/tracking.h"
#include "operator/metadata/write_run.h"

namespace penstock::metadata {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
namespace fs = std::filesystem;

class Metadata : public ::testing::Test {
 protected:
  Metadata() {
    std::string name = (fs::temp_directory_path() / "penstock-metadata-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    path_ = folder_ / "data" / "metadata.db";
  }
  ~Metadata() override { fs::remove_all(folder_); }

  std::unique_ptr<BatchRecorder> Open() {
    BatchRecorderOptions options;
    options.database = SqliteFile(path_);
    options.first_wait = Milliseconds{1};
    options.warn = [this](const std::string& text) {
      const std::lock_guard lock(mutex_);
      warnings_ += text + "\n";
    };
    options.on_lost = [this] { ++lost_; };
    return BatchRecorder::Open(options, clock_);
  }

  std::string warnings() {
    const std::lock_guard lock(mutex_);
    return warnings_;
  }

  SystemClock clock_;
  fs::path folder_, path_;
  std::mutex mutex_;
  std::string warnings_;
  std::atomic<int> lost_{0};
};

TEST_F(Metadata, SetsADamagedFileAsideAndBeginsANewOne) {
  fs::create_directories(path_.parent_path());
  std::ofstream(path_) << std::string(100'000, 'x');
  auto recorder = Open();
  EXPECT_THAT(warnings(), HasSubstr("is damaged"));
  EXPECT_THAT(warnings(), HasSubstr(".damaged-"));
  recorder->RecordRun(FlightsRun("u1"));
  recorder->Flush();
  EXPECT_TRUE(Query(path_).Run("team", "flights-u1"));
  int aside = 0;
  for (const auto& entry : fs::directory_iterator(path_.parent_path())) {
    if (entry.path().string().find(".damaged-") != std::string::npos) ++aside;
  }
  EXPECT_EQ(aside, 1);
}

TEST_F(Metadata, SetsAFileWithADamagedPageAside) {
  {
    auto recorder = Open();
    for (int i = 0; i < 200; ++i) recorder->RecordRun(FlightsRun("u" + std::to_string(i)));
  }
  {
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    for (int page = 3; page < 12; ++page) {
      file.seekp(page * 4096);
      file << std::string(4096, '\x7f');
    }
  }
  auto recorder = Open();
  EXPECT_THAT(warnings(), HasSubstr("is damaged"));
  recorder->RecordRun(FlightsRun("fresh"));
  recorder->Flush();
  EXPECT_TRUE(Query(path_).Run("team", "flights-fresh"));
}

std::vector<std::string> FilesBeside(const fs::path& path) {
  std::vector<std::string> out;
  for (const auto& entry : fs::directory_iterator(path.parent_path()))
    out.push_back(entry.path().filename().string());
  return out;
}

TEST_F(Metadata, LeavesAFileOfANewerProgramAsItIs) {
  Open();
  {
    soci::session db(soci::sqlite3, "dbname=\"" + path_.string() + "\"");
    db << "PRAGMA user_version = " + std::to_string(SchemaVersion() + 1);
  }
  EXPECT_FALSE(Open()->is_open());
  EXPECT_THAT(warnings(), HasSubstr("newer than this program's"));
  EXPECT_THAT(FilesBeside(path_), Not(Contains(HasSubstr(".damaged-"))));
}

// While it lives no file of this process grows: to SQLite that is a full volume.
class NoRoom {
 public:
  NoRoom() {
    std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    rlimit none = before_;
    none.rlim_cur = 0;
    setrlimit(RLIMIT_FSIZE, &none);
  }
  ~NoRoom() { setrlimit(RLIMIT_FSIZE, &before_); }
  NoRoom(const NoRoom&) = delete;
  NoRoom& operator=(const NoRoom&) = delete;

 private:
  rlimit before_{};
};

TEST_F(Metadata, OnlyTheRecorderSetsADamagedFileAside) {
  fs::create_directories(path_.parent_path());
  std::ofstream(path_) << std::string(10'000, 'x');
  const Experiment e{"1", "e", At(0), At(0), {}};
  Tracking tracking(SqliteFile(path_), {.between_tries = std::chrono::hours(1)});
  const auto refused = tracking.MakeExperiment("team", e);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kTransient);
  EXPECT_THAT(refused.error().message, HasSubstr("damaged"));
  EXPECT_THAT(FilesBeside(path_), Not(Contains(HasSubstr(".damaged-"))));
  Open().reset();
  EXPECT_THAT(FilesBeside(path_), Contains(HasSubstr(".damaged-")));
  EXPECT_EQ(tracking.MakeExperiment("team", e).error().message, refused.error().message)
      << "each call tries to open what could not be opened just now";
  Tracking later(SqliteFile(path_), {.between_tries = Milliseconds{0}});
  EXPECT_TRUE(later.MakeExperiment("team", e));
}

TEST_F(Metadata, AFullVolumeKeepsTheOperatorFromHistoryAndNotFromStarting) {
  Open()->RecordRun(FlightsRun("old"));
  std::unique_ptr<BatchRecorder> recorder;
  bool open = true;
  {
    const NoRoom full;
    recorder = Open();
    open = recorder->is_open();
    recorder->RecordRun(FlightsRun("new"));
    recorder->Flush();
  }
  EXPECT_FALSE(open);
  EXPECT_THAT(warnings(), HasSubstr("history waits"));
  while (!recorder->is_open()) recorder->Flush();  // there is room again
  recorder->Flush();
  EXPECT_TRUE(Query(path_).Run("team", "flights-old")) << "a good file was taken for damaged";
  EXPECT_TRUE(Query(path_).Run("team", "flights-new"));
  EXPECT_THAT(FilesBeside(path_), Not(Contains(HasSubstr(".damaged-"))));
  EXPECT_EQ(lost_, 1) << "what happened meanwhile is recorded again";
}

TEST_F(Metadata, AMigrationThatFailsKeepsItsReasonForWhoAsksWhetherTheFileIsGood) {
  fs::create_directories(path_.parent_path());
  soci::session db(soci::sqlite3, "dbname=\"" + path_.string() + "\"");
  db << "CREATE TABLE steps (k INTEGER)";  // in the way
  EXPECT_THROW(Migrate(db), soci::soci_error);
  EXPECT_TRUE(HasLostItsFile(db)) << "a rollback came in between, and says that all is well";
}

TEST_F(Metadata, AsksForTheLiveRunsWhenTheTablesVanishUnderIt) {
  auto recorder = Open();
  recorder->RecordRun(FlightsRun("u1"));
  recorder->Flush();
  {
    soci::session db(soci::sqlite3, "dbname=\"" + path_.string() + "\" timeout=5");
    db << "PRAGMA foreign_keys = OFF";
    db << "DROP TABLE runs";
  }
  recorder->RecordRun(FlightsRun("u2"));
  recorder->Flush();  // the failed write
  recorder->Flush();  // the one into the new file
  EXPECT_EQ(lost_, 1);
  EXPECT_TRUE(Query(path_).Run("team", "flights-u2"));
}

// What SQLite says of a statement on a session of its own.
bool IsLostAfter(const fs::path& path, const std::string& statement, const std::string& before) {
  soci::session db(soci::sqlite3, "dbname=\"" + path.string() + "\" timeout=1");
  if (!before.empty()) db << before;
  EXPECT_THROW(db << statement, soci::soci_error) << statement;
  return HasLostItsFile(db);
}

TEST_F(Metadata, TellsByResultCodesWhetherTheFileIsTheOneThatWasOpened) {
  constexpr const char* kWrite = "INSERT INTO pairs VALUES (1, 'a')";
  fs::create_directories(path_.parent_path());
  {
    soci::session db(soci::sqlite3, "dbname=\"" + path_.string() + "\"");
    db << "CREATE TABLE pairs (k INTEGER PRIMARY KEY, v TEXT)";
    db << "INSERT INTO pairs VALUES (2, 'two')";
    soci::session other(soci::sqlite3, "dbname=\"" + path_.string() + "\"");
    EXPECT_FALSE(HasLostItsFile(db));
    EXPECT_FALSE(IsLostAfter(path_, "INSERT INTO pairs VALUES (2, 'twice')", ""));
    other << "BEGIN EXCLUSIVE";
    EXPECT_FALSE(IsLostAfter(path_, kWrite, ""));  // locked
  }
  EXPECT_TRUE(IsLostAfter(path_, kWrite, "PRAGMA query_only = ON"));
  EXPECT_TRUE(IsLostAfter(path_, "INSERT INTO absent VALUES (1)", ""));
  const auto damage = [&](int at, int size) {
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(at);
    file << std::string(std::size_t(size), 'x');
  };
  damage(4096, 4096);  // the table's only page
  EXPECT_TRUE(IsLostAfter(path_, kWrite, ""));
  damage(0, 100);  // what makes it a file of SQLite's
  EXPECT_TRUE(IsLostAfter(path_, kWrite, ""));
}

TEST_F(Metadata, AFullQueueKeepsTheLastWordOfAFinishedRun) {
  BatchRecorderOptions options;
  options.database = SqliteFile(path_);
  options.queue_limit = 1;
  const auto opened = BatchRecorder::Open(options, clock_);
  auto& recorder = *opened;
  {
    // A writer elsewhere holds the file, so the queue fills up.
    soci::session other(soci::sqlite3, "dbname=\"" + path_.string() + "\" timeout=5");
    other << "BEGIN IMMEDIATE";
    recorder.RecordRun(FlightsRun("u1"));
    for (int i = 2; i < 50; ++i) recorder.RecordRun(FlightsRun("u" + std::to_string(i)));
    recorder.RecordRun(FlightsRun("end", "Succeeded"));
    other << "COMMIT";
  }
  recorder.Flush();
  EXPECT_GE(recorder.dropped(), 47u);
  EXPECT_TRUE(Query(path_).Run("team", "flights-end"));
}

// Kills a process at its n-th statement, n = 1, 2, ... until it lives to the end.
int KillAtStatement(unsigned type, void* left, void* /*statement*/, void* /*text*/) {
  if (type == SQLITE_TRACE_STMT && --*static_cast<int*>(left) == 0) ::kill(::getpid(), SIGKILL);
  return 0;
}

// True when the child reached the end.
bool WriteInAChildKilledAt(const fs::path& path, int n) {
  const pid_t child = ::fork();
  if (child == 0) {
    auto opened = OpenDatabase(path, At(0));
    if (!opened) ::_exit(2);
    auto* backend = static_cast<soci::sqlite3_session_backend*>(opened->session->get_backend());
    sqlite_api::sqlite3_trace_v2(backend->conn_, SQLITE_TRACE_STMT, KillAtStatement, &n);
    soci::transaction transaction(*opened->session);
    WriteRun(*opened->session, FlightsRun("u1"));
    WriteRun(*opened->session, FlightsRun("u2"));
    transaction.commit();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_FALSE(WIFEXITED(status) && WEXITSTATUS(status) != 0) << "the child failed by itself";
  return WIFEXITED(status);
}

TEST_F(Metadata, AKillBetweenAnyTwoStatementsLeavesABatchWholeOrAbsent) {
  int kills = 0;
  RunFilter team;
  team.namespace_ = "team";
  for (int n = 1;; ++n) {
    fs::remove_all(path_.parent_path());
    const bool ended = WriteInAChildKilledAt(path_, n);
    auto opened = OpenDatabase(path_, At(0));
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_EQ(opened->warning, "") << "killed at statement " << n;
    const auto page = Query(path_).Page(team, 10);
    ASSERT_TRUE(page) << page.error().message;
    const std::size_t runs = page->runs.size();
    EXPECT_TRUE(runs == 0 || runs == 2) << "killed at statement " << n;
    if (ended) {
      EXPECT_EQ(runs, 2U);
      break;
    }
    ++kills;
  }
  EXPECT_GT(kills, 20);
}

TEST_F(Metadata, AnOlderProgramsFileIsBroughtUpToDateWithItsRuns) {
  {
    auto recorder = Open();
    recorder->RecordRun(FlightsRun("u1", "Interrupted"));
    recorder->RecordRun(FlightsRun("u2", "Succeeded"));
    recorder->RecordRun(FlightsRun("u3"));
  }
  {  // as version 1 had it
    soci::session db(soci::sqlite3, "dbname=\"" + path_.string() + "\"");
    for (const char* index : {"time", "phase", "cause", "name", "change", "uid"})
      db << std::string("DROP INDEX runs_by_") + index;
    for (const char* column :
         {"phase", "reason", "step", "cause", "user", "labels", "counts", "changed"})
      db << std::string("ALTER TABLE runs DROP COLUMN ") + column;
    db << "ALTER TABLE lineage DROP COLUMN fingerprint";
    for (const char* table :
         {"stories", "revisions", "points", "tracked", "experiments", "logged_models",
          "model_aliases", "model_versions", "registered_models"})
      db << std::string("DROP TABLE ") + table;
    db << "PRAGMA user_version = 1";
  }
  const auto warning = PrepareDatabase(path_, clock_.Now());
  ASSERT_TRUE(warning) << warning.error().message;
  EXPECT_EQ(*warning, "");
  RunFilter team;
  team.namespace_ = "team";
  const auto page = Query(path_).Page(team, 10);
  ASSERT_TRUE(page) << page.error().message;
  std::map<std::string, std::string> phases;
  for (const RunRecord& run : page->runs) phases[run.uid] = run.phase + " " + run.reason;
  EXPECT_EQ(phases, (std::map<std::string, std::string>{
                        {"u1", "Failed Interrupted"}, {"u2", "Succeeded "}, {"u3", "Running "}}));
}

}  // namespace
}  // namespace penstock::metadata
