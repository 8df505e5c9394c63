// What an OpenLineage server is told while runs go on, it is away, and the operator begins anew.
#include "operator/lineage/sender.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "operator/base/file.h"
#include "operator/metadata/batch_recorder.h"
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
    std::filesystem::create_directories(dir_);
    metadata::BatchRecorderOptions options;
    options.database = metadata::SqliteFile(dir_ / "metadata.sqlite");
    recorder_ = metadata::BatchRecorder::Open(options, clock_);
    Record(RunOf("old", "Succeeded", -100));  // the database stands
    Start();
  }
  void TearDown() override {
    sender_.reset();
    recorder_.reset();
    std::filesystem::remove_all(dir_);
  }
  // The operator begins: of a cluster's runs those that are there are recorded anew.
  void Start() {
    SenderSettings settings;
    settings.history = metadata::SqliteFile(dir_ / "metadata.sqlite");
    settings.told = dir_ / "openlineage.told";
    settings.first_wait = settings.longest_wait = Milliseconds{1};
    settings.post = [this](const Json& event, const std::stop_token&) -> Result<int> {
      if (!answers_.empty()) {
        const int status = answers_.front();
        answers_.erase(answers_.begin());
        if (status == 0) return Transient("nobody answers");
        if (status != 200) return status;
      }
      bodies_.push_back(event);
      sent_.push_back(event["job"]["name"].get<std::string>() + " " +
                      event["eventType"].get<std::string>());
      return 201;
    };
    settings.count = [this](Outcome o) { ++counts_[o]; };
    settings.warn = [this](const std::string& what) { warned_.push_back(what); };
    sender_ = std::make_unique<Sender>(clock_, std::move(settings));
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

  const std::filesystem::path dir_ =
      std::filesystem::path(testing::TempDir()) / ("lineage_sender_" + std::to_string(::getpid()));
  TellClock clock_;
  std::unique_ptr<metadata::BatchRecorder> recorder_;
  std::unique_ptr<Sender> sender_;
  std::vector<std::string> sent_, warned_;
  std::vector<int> answers_;
  std::vector<Json> bodies_;
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

TEST_F(LineageSender, KeepsWhatIsNotTakenForAReasonThatIsNotTheEvents) {
  answers_ = {401, 403, 404, 301, 500, 200, 401};
  Record(RunOf("flights", "Succeeded"));
  Look();
  EXPECT_THAT(Sent(), ElementsAre("flights START", "flights COMPLETE"))
      << "a key or an address that is put right";
  EXPECT_EQ(counts_[Outcome::kRetried], 6);
  EXPECT_EQ(counts_[Outcome::kRefused], 0);
}

TEST_F(LineageSender, TellsTheEndOfARunWhoseNameANewerOneHasTaken) {
  Record(RunOf("flights", "Succeeded"));
  metadata::RunRecord newer = RunOf("flights", "", 20);
  newer.uid = "uid-newer";
  Record(newer);
  Look();
  EXPECT_THAT(Sent(), ElementsAre("flights START", "flights COMPLETE", "flights START"));
}

TEST_F(LineageSender, SendsTheSameAgainOfARunThatGoesOnAfterARestart) {
  Record(RunOf("going", ""));
  Look();
  const std::vector<Json> once = std::exchange(bodies_, {});
  sender_.reset();
  Start();
  Record(RunOf("going", ""));
  Look();
  ASSERT_EQ(once.size(), 1U);
  EXPECT_EQ(bodies_, once);
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
  std::filesystem::remove(key);
  EXPECT_FALSE((*post)({{"a", 3}}, {})) << "a key that is not there is no reason to send without";
}

class LineageServer : public LineageSender {
 protected:
  Result<std::unique_ptr<net::HttpServer>> Listen(std::uint16_t port = 0) {
    net::HttpServerOptions options;
    options.address = "127.0.0.1";
    options.port = port;
    return net::HttpServer::Start(options, [this](net::Exchange& x) {
      const auto body = net::ReadWholeBody(x, 1 << 20, [](std::size_t) { return Result<void>(); });
      const std::lock_guard lock(mutex_);
      if (--away_ >= 0) return x.Respond(503, "text/plain", "");
      const Json event = Json::parse(body.value_or("{}"));
      taken_.push_back(event["eventType"]);
      x.Respond(201, "text/plain", std::string(answer_, 'x'));
    });
  }
  SenderSettings SettingsFor(std::uint16_t port) {
    SenderSettings settings;
    settings.history = metadata::SqliteFile(dir_ / "metadata.sqlite");
    settings.told = dir_ / "openlineage.told";
    settings.post = PostTo("http://127.0.0.1:" + std::to_string(port) + "/lineage", {}).value();
    settings.look = settings.first_wait = settings.longest_wait = Milliseconds{5};
    return settings;
  }
  bool Took(std::size_t events) {
    for (int i = 0; i < 2'000; ++i) {
      {
        const std::lock_guard lock(mutex_);
        if (taken_.size() >= events) return true;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }

  std::mutex mutex_;
  std::vector<std::string> taken_;
  int away_ = 0;
  std::size_t answer_ = 0;
};

TEST_F(LineageServer, GetsAllOnceItListensAndTheSenderEndsAtOnce) {
  std::uint16_t port = 0;
  {
    const auto gone = Listen();
    ASSERT_TRUE(gone) << gone.error().message;
    port = (*gone)->port();
  }
  Sender sender(clock_, SettingsFor(port));
  ASSERT_TRUE(sender.Look({})) << "the history so far";
  std::jthread following([&](const std::stop_token& stop) { sender.Follow(stop); });
  metadata::RunRecord run = RunOf("flights", "");
  AddStep(run, "Running");
  Record(run);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  run = RunOf("flights", "Succeeded");
  AddStep(run, "Succeeded");
  Record(run);  // that nobody listens keeps no run from its end
  away_ = 3;
  answer_ = 200'000;
  const auto server = Listen(port);
  ASSERT_TRUE(server) << server.error().message;
  EXPECT_TRUE(Took(4));
  following.request_stop();
  following.join();
  EXPECT_THAT(taken_, ElementsAre("START", "START", "COMPLETE", "COMPLETE"));
}

TEST_F(LineageServer, ThatAnswersNothingKeepsNobodyFromEnding) {
  std::stop_source release;
  net::HttpServerOptions options;
  options.address = "127.0.0.1";
  std::atomic<bool> asked = false;
  const auto server = net::HttpServer::Start(options, [&](net::Exchange& x) {
    asked = true;
    while (!release.stop_requested() && !x.stop().stop_requested())
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    x.Respond(201, "text/plain", "");
  });
  ASSERT_TRUE(server) << server.error().message;
  Sender sender(clock_, SettingsFor((*server)->port()));
  Record(RunOf("flights", "Succeeded"));
  std::jthread following([&](const std::stop_token& stop) { sender.Follow(stop); });
  while (!asked) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  const auto before = std::chrono::steady_clock::now();
  following.request_stop();
  following.join();
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(5));
  release.request_stop();
}

}  // namespace
}  // namespace penstock::lineage
