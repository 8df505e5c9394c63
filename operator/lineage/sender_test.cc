// What an OpenLineage server is told while runs go on, it is away, and the operator begins anew.
#include "operator/lineage/sender.h"

#include <gmock/gmock.h>

#include <mutex>
#include <thread>

#include "operator/base/file.h"
#include "operator/metadata/sqlite_recorder.h"
#include "operator/net/http_server.h"

namespace penstock::lineage {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class TellClock : public Clock {
 public:
  [[nodiscard]] TimePoint Now() const override { return now; }
  [[nodiscard]] std::chrono::steady_clock::time_point Steady() const override {
    return std::chrono::steady_clock::now();
  }
  TimePoint now{std::chrono::seconds(1'800'000'000)};
};

class LineageSender : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::remove_all(dir_);
    std::filesystem::create_directories(dir_);
    metadata::SqliteRecorderOptions options;
    options.path = dir_ / "metadata.sqlite";
    recorder_ = metadata::SqliteRecorder::Open(options, clock_);
    Record(RunOf("old", "Succeeded", -100));  // the database stands
    Start();
  }
  // The operator begins: of a cluster's runs those that are there are recorded anew.
  void Start() {
    SenderSettings settings;
    settings.told = dir_ / "openlineage.told";
    settings.first_wait = settings.longest_wait = Milliseconds{1};
    settings.post = [this](const Json& event, const std::stop_token&) -> Result<int> {
      if (!answers_.empty()) {
        const int status = answers_.front();
        answers_.erase(answers_.begin());
        if (status == 0) return Transient("nobody answers");
        if (status != 200) return status;
      }
      sent_.push_back(event["job"]["name"].get<std::string>() + " " +
                      event["eventType"].get<std::string>());
      return 201;
    };
    settings.count = [this](Outcome o) { ++counts_[o]; };
    settings.warn = [this](const std::string& what) { warned_.push_back(what); };
    sender_ = std::make_unique<Sender>(metadata::Query(dir_ / "metadata.sqlite"), clock_,
                                       std::move(settings));
    Look();
  }
  void Look() {
    const auto more = sender_->Look({});
    EXPECT_TRUE(more) << more.error().message;
  }
  std::vector<std::string> Sent() { return std::exchange(sent_, {}); }

  metadata::RunRecord RunOf(const std::string& name, const std::string& outcome, int began = 1) {
    metadata::RunRecord run;
    run.uid = "uid-" + name;
    run.namespace_ = "team";
    run.name = run.pipeline = name;
    run.created = run.started = clock_.now + std::chrono::seconds(began);
    run.outcome = outcome;
    if (!outcome.empty()) run.finished = *run.started + std::chrono::seconds(5);
    return run;
  }
  static void AddStep(metadata::RunRecord& run, const std::string& phase) {
    metadata::StepRecord step;
    step.name = "s";
    step.phase = phase;
    step.attempt = 1;
    step.started = *run.started + std::chrono::seconds(1);
    if (phase != "Running") step.finished = *run.started + std::chrono::seconds(2);
    run.steps = {step};
  }
  void Record(const metadata::RunRecord& run) {
    recorder_->RecordRun(run);
    recorder_->Flush();
  }

  const std::filesystem::path dir_ = std::filesystem::path(testing::TempDir()) / "lineage_sender";
  TellClock clock_;
  std::unique_ptr<metadata::SqliteRecorder> recorder_;
  std::unique_ptr<Sender> sender_;
  std::vector<std::string> sent_, warned_;
  std::vector<int> answers_;
  std::map<Outcome, int> counts_;
};

TEST_F(LineageSender, TellsEachEventOnceAsARunGoesOn) {
  EXPECT_THAT(Sent(), IsEmpty()) << "what had ended before is not told";
  metadata::RunRecord run = RunOf("flights", "");
  Record(run);
  Look();
  EXPECT_THAT(Sent(), ElementsAre("flights START"));
  AddStep(run, "Running");
  Record(run);
  Look();
  EXPECT_THAT(Sent(), ElementsAre("flights.s START"));
  run = RunOf("flights", "Succeeded");
  AddStep(run, "Succeeded");
  Record(run);
  Look();
  EXPECT_THAT(Sent(), ElementsAre("flights.s COMPLETE", "flights COMPLETE"));
  Record(run);
  Look();
  EXPECT_THAT(Sent(), IsEmpty());
  EXPECT_EQ(counts_[Outcome::kSent], 4);
}

TEST_F(LineageSender, LosesNothingWhileTheServerIsAwayAndSaysSoOnce) {
  answers_ = {0, 503, 429, 408, 200};
  Record(RunOf("flights", "Succeeded"));
  Look();
  EXPECT_THAT(Sent(), ElementsAre("flights START", "flights COMPLETE"));
  EXPECT_EQ(counts_[Outcome::kRetried], 4);
  EXPECT_THAT(warned_, ElementsAre(HasSubstr("does not take events (nobody answers)")));
}

TEST_F(LineageSender, LeavesOutWhatTheServerRefusesAndCountsIt) {
  answers_ = {422, 400};
  Record(RunOf("flights", "Succeeded"));
  Look();
  EXPECT_THAT(Sent(), IsEmpty());
  EXPECT_EQ(counts_[Outcome::kRefused], 2);
  EXPECT_THAT(warned_, ElementsAre(HasSubstr("refuses events (answered 422)")));
  Record(RunOf("next", "Succeeded"));
  Look();
  EXPECT_THAT(Sent(), ElementsAre("next START", "next COMPLETE"));
}

TEST_F(LineageSender, TellsAfterARestartWhatHadEndedMeanwhileAndNothingTwice) {
  Record(RunOf("told", "Succeeded"));
  Record(RunOf("going", ""));
  Look();
  EXPECT_EQ(Sent().size(), 3U);
  sender_.reset();
  Record(RunOf("meanwhile", "Succeeded"));
  Record(RunOf("going", "Succeeded"));
  Record(RunOf("told", "Succeeded"));  // as an engine that begins records all
  Start();
  EXPECT_THAT(Sent(), testing::UnorderedElementsAre("meanwhile START", "meanwhile COMPLETE",
                                                    "going START", "going COMPLETE"));
  sender_.reset();
  Start();
  EXPECT_THAT(Sent(), IsEmpty());
}

TEST_F(LineageSender, OfARunThatNobodyRecordsAnyMoreTellsNothingAfterARestart) {
  Record(RunOf("deleted", ""));
  Look();
  Sent();
  sender_.reset();
  Start();
  EXPECT_THAT(Sent(), IsEmpty()) << "its object is gone: it would be told at each restart";
  Record(RunOf("deleted", ""));
  Look();
  EXPECT_THAT(Sent(), ElementsAre("deleted START")) << "it is there after all";
}

TEST_F(LineageSender, RemembersForAWeekAndReadsAFileThatWasCutOff) {
  Record(RunOf("flights", "Succeeded"));
  Look();
  Sent();
  sender_.reset();
  const auto file = dir_ / "openlineage.told";
  ASSERT_THAT(ReadFile(file, 1 << 20).value(), HasSubstr("uid-flights "));
  ASSERT_TRUE(WriteFileAtomically(file, ReadFile(file, 1 << 20).value() + "uid-half"));
  Start();
  EXPECT_THAT(Sent(), IsEmpty());
  sender_.reset();
  clock_.now += std::chrono::hours(24 * 8);
  Start();
  EXPECT_THAT(Sent(), IsEmpty()) << "what ended more than a week ago is not told";
  EXPECT_THAT(ReadFile(file, 1 << 20).value(), testing::Not(HasSubstr("uid-flights")));
}

TEST_F(LineageSender, EndsAtOnceWhenStopped) {
  std::stop_source stop;
  answers_ = std::vector<int>(1'000'000, 503);
  Record(RunOf("flights", "Succeeded"));
  std::thread stopper([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    stop.request_stop();
  });
  const auto looked = sender_->Look(stop.get_token());
  stopper.join();
  ASSERT_FALSE(looked);
  EXPECT_EQ(looked.error().kind, ErrorKind::kCancelled);
  answers_.clear();
  Look();
  EXPECT_THAT(Sent(), ElementsAre("flights START", "flights COMPLETE"));
}

TEST(PostTo, SendsJsonWithTheKeyOfTheFileToTheUrl) {
  std::mutex mutex;
  std::vector<std::string> seen;
  net::HttpServerOptions options;
  options.address = "127.0.0.1";
  auto server = net::HttpServer::Start(options, [&](net::Exchange& x) {
    const auto body = net::ReadWholeBody(x, 1 << 20, [](std::size_t) { return Result<void>(); });
    const std::lock_guard lock(mutex);
    seen = {
        x.method(),       x.path(), x.query(), x.Header("Authorization"), x.Header("Content-Type"),
        body.value_or("")};
    x.Respond(201, "text/plain", "");
  });
  ASSERT_TRUE(server) << server.error().message;
  const auto key = std::filesystem::path(testing::TempDir()) / "lineage_key";
  ASSERT_TRUE(WriteFileAtomically(key, "k-1\n"));
  const std::string url =
      "http://127.0.0.1:" + std::to_string((*server)->port()) + "/api/v1/lineage?x=1";
  const auto post = PostTo(url, key);
  ASSERT_TRUE(post) << post.error().message;
  EXPECT_EQ((*post)({{"a", 1}}, {}).value(), 201);
  EXPECT_THAT(seen, ElementsAre("POST", "/api/v1/lineage", "x=1", "Bearer k-1", "application/json",
                                R"({"a":1})"));
  ASSERT_TRUE(WriteFileAtomically(key, "k-2"));
  EXPECT_EQ((*post)({{"a", 2}}, {}).value(), 201);
  EXPECT_EQ(seen[3], "Bearer k-2") << "a key that changed";
  EXPECT_FALSE(PostTo("ftp://x", {}));
}

}  // namespace
}  // namespace penstock::lineage
