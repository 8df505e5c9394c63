// What holds of history on PostgreSQL alone: how it is reached, who else writes to it, and that it
// dies and comes back.
#include "operator/metadata/postgres/postgres_database.h"

#include <gmock/gmock.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "operator/metadata/postgres/schema.h"
#include "operator/metadata/testing/any_database.h"
#include "operator/metadata/tracking.h"
#include "operator/net/testing/fake_server.h"

namespace penstock::metadata {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class OnPostgres : public AnyDatabase {
 protected:
  // What keeps it from being opened with this connection string.
  std::string Problem(const std::string& url) const {
    const auto opened = schema_->Open(url)->OpenToWrite(At(0));
    return opened ? "" : opened.error().message;
  }
  // Until what psql says is that; false after 20 s.
  bool Await(const std::string& statement, const std::string& answer) const {
    for (int i = 0; i < 400; ++i) {
      if (schema_->Sql(statement) == answer + "\n") return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return false;
  }
  static RunFilter Team() {
    RunFilter filter;
    filter.namespace_ = "team";
    return filter;
  }
};
INSTANTIATE_TEST_SUITE_P(Real, OnPostgres, ::testing::Values(Kind::kPostgres), NameOfKind);

TEST_P(OnPostgres, IsReachedByVerifiedTlsAndByNothingLessUnasked) {
  ASSERT_EQ(Problem(schema_->Url()), "");
  EXPECT_EQ(schema_->Sql("SELECT count(*) FROM runs"), "0\n");
  const auto weaker = schema_->Open(schema_->Url("&sslmode=require"))->OpenToWrite(At(0));
  ASSERT_TRUE(weaker) << weaker.error().message;
  EXPECT_THAT(weaker->warning, HasSubstr("sslmode=require"));
  std::ofstream(folder_ / "ca.pem") << net::MakeFakeIdentity().certificate_pem;
  EXPECT_THAT(Problem(schema_->Url()), HasSubstr("certificate verify failed"));
  std::filesystem::remove(folder_ / "ca.pem");
  EXPECT_THAT(Problem(schema_->Url()), HasSubstr("certificate")) << "the system knows it not";
}

TEST_P(OnPostgres, SaysWhyItCannotBeReachedAndNotThePassword) {
  std::string url = schema_->Url();
  url.replace(url.find("pass%20word%251"), 15, "hunter2");
  const std::string problem = Problem(url);
  EXPECT_THAT(problem, HasSubstr("password authentication failed"));
  EXPECT_THAT(problem, HasSubstr("postgres at 127.0.0.1"));
  EXPECT_THAT(problem, Not(HasSubstr("hunter2")));
  EXPECT_THAT(problem, Not(HasSubstr("\n")));
  EXPECT_THAT(Problem("hunter2"), HasSubstr("no connection string"));
  const auto gone = PostgresServerDatabase({folder_ / "none", ""})->OpenToRead(false);
  EXPECT_THAT(gone.error().message, HasSubstr("none"));
}

TEST_P(OnPostgres, ThePasswordThatWasChangedIsTakenWithTheNextConnection) {
  std::string wrong = schema_->Url();
  wrong.replace(wrong.find("pass%20word%251"), 15, "old");
  database_ = schema_->Open(wrong);
  const auto recorder = OpenRecorder();
  EXPECT_FALSE(recorder->is_open());
  EXPECT_THAT(warnings(), HasSubstr("runs go on, and history waits for it"));
  recorder->RecordRun(FlightsRun("u1"));
  std::ofstream(folder_ / "url") << schema_->Url();  // the Secret's file
  for (int i = 0; i < 1'000 && !recorder->is_open(); ++i) recorder->Flush();
  recorder->Flush();
  EXPECT_TRUE(query().OfUid("u1"));
}

TEST_P(OnPostgres, ASecretThatIsMissingIsNoHistoryThatIsEmpty) {
  OpenRecorder()->RecordRun(FlightsRun("u1"));
  std::filesystem::rename(folder_ / "url", folder_ / "gone");
  const auto gone = schema_->OpenAsItIs();
  const Query asked(gone);
  bool any = false;
  const auto kept = asked.EachKept(
      "team", At(0),
      {.text = [&](const auto&) { any = true; }, .spec = [&](const auto&) { any = true; }});
  ASSERT_FALSE(kept) << "what history keeps would be collected";
  EXPECT_EQ(kept.error().kind, ErrorKind::kTransient) << kept.error().message;
  EXPECT_EQ(asked.StoryOf("team", "flights-u1").error().kind, ErrorKind::kTransient);
  Tracking tracking(gone);
  EXPECT_EQ(tracking.Get("team", "t1").error().kind, ErrorKind::kTransient);
  EXPECT_EQ(tracking.MakeExperiment("team", {"1", "e", At(0), At(0), {}}).error().kind,
            ErrorKind::kTransient);
  std::ofstream(folder_ / "url") << "no connection string\n";
  EXPECT_EQ(asked.EachKept("team", At(0), {}).error().kind, ErrorKind::kTransient);
  EXPECT_FALSE(any);
}

TEST_P(OnPostgres, AsksForTheLiveRunsWheneverAnotherSessionWasNeeded) {
  std::atomic<int> lost = 0;
  BatchRecorderOptions options;
  options.database = database_;
  options.first_wait = Milliseconds{1};
  options.on_lost = [&] { ++lost; };
  const auto recorder = BatchRecorder::Open(std::move(options), clock_);
  recorder->RecordRun(FlightsRun("u1"));
  recorder->Flush();
  EXPECT_EQ(lost, 0);
  schema_->Sql(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
      " AND application_name = 'penstock'");
  recorder->RecordRun(FlightsRun("u2"));
  for (int i = 0; i < 1'000 && !query().OfUid("u2"); ++i) recorder->Flush();
  EXPECT_TRUE(query().OfUid("u2"));
  EXPECT_EQ(lost, 1) << "the server may be another one, that lacks the last that was written";
}

TEST_P(OnPostgres, ASchemaOfANewerProgramIsLeftAsItIs) {
  OpenRecorder().reset();
  schema_->Sql("INSERT INTO penstock_schema(version) VALUES (99)");
  const auto recorder = OpenRecorder();
  EXPECT_FALSE(recorder->is_open());
  EXPECT_THAT(warnings(), HasSubstr("its schema version 99 is newer than this program's"));
  EXPECT_EQ(schema_->Sql("SELECT count(*) FROM runs"), "0\n");
}

TEST_P(OnPostgres, ManyThatStartAtOnceMakeItsTablesOnce) {
  std::atomic<int> made = 0, opened = 0;
  std::string problems;
  std::mutex mutex;
  {
    std::vector<std::jthread> replicas;
    for (int i = 0; i < 4; ++i)
      replicas.emplace_back([&] {
        const auto database = database_->OpenToWrite(At(0));
        const std::lock_guard lock(mutex);
        if (!database) problems += database.error().message;
        if (!database) return;
        ++opened;
        made += database->created ? 1 : 0;
      });
  }
  EXPECT_EQ(problems, "");
  EXPECT_EQ(opened, 4);
  EXPECT_EQ(made, 1);
  EXPECT_EQ(schema_->Sql("SELECT count(*) FROM penstock_schema"),
            std::to_string(PostgresSchemaVersion()) + "\n");
}

TEST_P(OnPostgres, AnOlderProgramsTablesAreBroughtUpToDateWithTheirRuns) {
  OpenRecorder()->RecordRun(FlightsRun("u1"));
  schema_->Sql(
      "DROP TABLE points; DROP TABLE tracked; DROP TABLE experiments; DROP TABLE logged_models;"
      " DROP TABLE model_aliases; DROP TABLE model_versions; DROP TABLE registered_models;"
      " DELETE FROM penstock_schema WHERE version > 1");  // as version 1 had it
  const auto opened = database_->OpenToWrite(At(0));
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_FALSE(opened->created);
  EXPECT_EQ(schema_->Sql("SELECT count(*) FROM points"), "0\n");
  EXPECT_TRUE(query().OfUid("u1"));
}

TEST_P(OnPostgres, AKillInTheMiddleOfAWriteLosesNothingAndWritesNothingTwice) {
  const auto recorder = OpenRecorder();
  recorder->RecordRun(FlightsRun("before", "Succeeded"));
  recorder->Flush();
  ASSERT_TRUE(query().OfUid("before"));  // a session that will stand idle
  // Runs and steps of the batch are written, and its results wait for this lock.
  std::jthread holder([&] {
    try {
      schema_->Sql("BEGIN; LOCK TABLE results IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(60)");
    } catch (const std::runtime_error&) {  // the server was killed
    }
  });
  const std::string locks =
      "SELECT count(*) FROM pg_locks WHERE relation = 'results'::regclass AND";
  ASSERT_TRUE(Await(locks + " granted", "1"));
  for (int i = 0; i < 50; ++i)
    recorder->RecordRun(FlightsRun("u" + std::to_string(i), "Succeeded"));
  ASSERT_TRUE(Await(locks + " NOT granted", "1"));
  schema_->server().Kill();
  const auto away = query().OfUid("before");
  ASSERT_FALSE(away);
  EXPECT_EQ(away.error().kind, ErrorKind::kTransient) << away.error().message;
  recorder->RecordRun(FlightsRun("while-away", "Succeeded"));
  schema_->server().StartAgain();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (query().Page(Team(), 100)->runs.size() < 52) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << warnings();
    recorder->Flush();
  }
  EXPECT_EQ(schema_->Sql("SELECT count(*), count(DISTINCT changed) FROM runs"), "52|52\n");
  EXPECT_EQ(schema_->Sql("SELECT count(*) FROM attempts"), "104\n");
  EXPECT_EQ(schema_->Sql("SELECT count(*) FROM results"), "104\n");
  EXPECT_EQ(query().OfUid("u49")->steps.at(1).results.size(), 2U);
  EXPECT_THAT(warnings(), HasSubstr("they are kept and tried again"));
  EXPECT_EQ(recorder->dropped(), 0U);
}

TEST_P(OnPostgres, AskingGoesOnInASessionOfItsOwnAfterTheServerWasRestarted) {
  OpenRecorder()->RecordRun(FlightsRun("u1"));
  ASSERT_TRUE(query().OfUid("u1"));
  schema_->Sql(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
      " AND application_name = 'penstock'");
  const auto again = query().OfUid("u1");
  EXPECT_TRUE(again) << again.error().message;
}

TEST_P(OnPostgres, ReadersCannotWriteAndAreEightAtMost) {
  OpenRecorder().reset();
  std::vector<std::jthread> askers;
  std::atomic<int> answered = 0;
  for (int i = 0; i < 24; ++i)
    askers.emplace_back([&] {
      for (int n = 0; n < 5; ++n) answered += query().Page(Team(), 10) ? 1 : 0;
    });
  askers.clear();
  EXPECT_EQ(answered, 120);
  EXPECT_LE(std::stoi(schema_->Sql("SELECT count(*) FROM pg_stat_activity WHERE"
                                   " application_name = 'penstock'")),
            8);
  EXPECT_EQ(schema_->Sql("SELECT count(*) FROM runs"), "0\n");
}

TEST_P(OnPostgres, ARecordThatItRefusesIsToldAndKeepsTheOthersFromNothing) {
  const auto recorder = OpenRecorder();
  RunRecord bad = FlightsRun("bad", "Succeeded");
  bad.message = "cut within a character: \xec\x9e";
  recorder->RecordRun(FlightsRun("good-1", "Succeeded"));
  recorder->RecordRun(bad);
  recorder->RecordRun(FlightsRun("good-2", "Succeeded"));
  recorder->Flush();
  EXPECT_EQ(query().Page(Team(), 10)->runs.size(), 2U);
  EXPECT_THAT(warnings(), HasSubstr("the run team/flights-bad is left out"));
  EXPECT_FALSE(query().OfUid("bad"));
}

TEST_P(OnPostgres, OfARunThatGoesOnOnlyWhatHasChangedIsWritten) {
  const auto recorder = OpenRecorder();
  RunRecord run = FlightsRun("u1");
  recorder->RecordRun(run);
  recorder->Flush();
  schema_->Sql(
      "DELETE FROM steps WHERE step = 'ingest'");  // so that it is seen whether it comes back
  run.steps[1].results["loss"] = 0.125;
  recorder->RecordRun(run);
  recorder->Flush();
  const auto changed = query().OfUid("u1");
  ASSERT_EQ(changed->steps.size(), 1U) << "a step was written though it is as it was";
  EXPECT_EQ(changed->steps[0].results.at("loss"), 0.125);
  // In another session, which may be of another server, all of it.
  schema_->Sql(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
      " AND application_name = 'penstock'");
  recorder->RecordRun(run);
  for (int i = 0; i < 1'000 && query().OfUid("u1")->steps.size() < 2; ++i) recorder->Flush();
  EXPECT_EQ(query().OfUid("u1")->steps.size(), 2U);
}

TEST_P(OnPostgres, ProgramsLogOnAfterTheServerWasRestarted) {
  Tracking tracking(database_, {.between_tries = Milliseconds{0}});
  TrackedRun run;
  run.record = FlightsRun("t1");
  ASSERT_TRUE(tracking.Begin(run));
  schema_->server().Kill();
  const auto nothing = [](TrackedRun&) { return Result<void>(); };
  const auto away = tracking.Change("team", "t1", nothing, {{"m", 1, 1, 1}});
  ASSERT_FALSE(away);
  EXPECT_EQ(away.error().kind, ErrorKind::kTransient);
  schema_->server().StartAgain();
  const auto back = tracking.Change("team", "t1", nothing, {{"m", 2, 2, 2}});
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(tracking.Points("t1", "m", 10, 0)->size(), 1U);
}

TEST_P(OnPostgres, WritersOfTwoReplicasWaitForEachOther) {
  const auto one = OpenRecorder(), two = OpenRecorder();
  for (int i = 0; i < 40; ++i) {
    one->RecordRun(FlightsRun("a" + std::to_string(i)));
    two->RecordRun(FlightsRun("b" + std::to_string(i)));
    two->RecordRun(FlightsRun("both"));
    one->RecordRun(FlightsRun("both"));
  }
  one->Flush();
  two->Flush();
  EXPECT_EQ(schema_->Sql("SELECT count(*), count(DISTINCT changed) FROM runs"), "81|81\n");
  EXPECT_EQ(warnings(), "");
}

TEST_P(OnPostgres, PagesAreFoundByAnIndex) {
  OpenRecorder().reset();
  const std::string plan = "SET enable_seqscan = off; SET enable_sort = off; EXPLAIN (COSTS OFF) ";
  for (const char* where :
       {"", " AND pipeline = 'p'", " AND phase = 'Failed'", " AND cause = ''"}) {
    const std::string said =
        schema_->Sql(plan + "SELECT uid FROM runs WHERE namespace = 'team'" + where +
                     " AND (created, uid) < (5, 'u') ORDER BY created DESC, uid DESC LIMIT 50");
    EXPECT_THAT(said, HasSubstr("Backward using runs_by_")) << said;
    EXPECT_THAT(said, Not(HasSubstr("Sort"))) << said;
  }
  EXPECT_THAT(schema_->Sql(plan + "SELECT uid FROM runs WHERE namespace = 'team' AND uid > 'u'"
                                  " ORDER BY uid LIMIT 200"),
              HasSubstr("using runs_by_uid"));
}

}  // namespace
}  // namespace penstock::metadata
