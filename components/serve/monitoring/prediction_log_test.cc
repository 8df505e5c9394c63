#include "components/serve/monitoring/prediction_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <future>

#include "components/sdk/dataset.h"
#include "components/sdk/testing/test_data.h"
#include "components/serve/monitoring/model_observer.h"
#include "operator/artifacts/prediction_store.h"
#include "operator/base/file.h"
#include "operator/base/json.h"

namespace penstock::serve {
namespace {

using testing::HasSubstr;
using testing::Not;

class PredictionLogTest : public testing::Test {
 protected:
  PredictionLogTest() {
    signature_.inputs = {{"요일", Datatype::kBytes, {-1}, true, true},
                         {"hour", Datatype::kInt64, {-1}, true, true},
                         {"secret", Datatype::kBytes, {-1}, true, true}};
    signature_.outputs = {{"probability", Datatype::kFp32, {-1}},
                          {"label", Datatype::kBytes, {-1}},
                          {"all", Datatype::kFp32, {-1, 3}}};
    options_.folder = folder_ / "log";
    options_.columns = {"요일", "hour", "probability", "label"};
    options_.roll = std::chrono::hours(1);  // files are written when a test says so
    options_.model = "m";
    options_.version = "7";
  }

  std::unique_ptr<PredictionLog> Start() {
    auto log = PredictionLog::Start(options_, signature_, &clock_);
    EXPECT_TRUE(log) << log.error().message;
    return std::move(*log);
  }
  // Two rows of one request; the second has a null.
  static bool Send(PredictionLog* log, const std::string& id) {
    const auto record =
        log->Take({{"요일", Datatype::kBytes, {2}, std::vector<std::string_view>{"월", "화"}, {}},
                   {"hour", Datatype::kInt64, {2}, std::vector<std::int64_t>{7, 0}, {0, 1}},
                   {"secret", Datatype::kBytes, {2}, std::vector<std::string_view>{"x", "y"}, {}}},
                  2);
    if (!record) return false;
    log->Add(record, id,
             {{"probability", Datatype::kFp32, {2}, std::vector<float>{0.25F, 0.75F}},
              {"label", Datatype::kBytes, {2}, std::vector<std::string>{"no", "yes"}},
              {"all", Datatype::kFp32, {2, 3}, std::vector<float>(6)}});
    return true;
  }
  std::vector<std::string> Files() {
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(options_.folder)) {
      if (entry.path().extension() == ".parquet") files.push_back(entry.path().string());
    }
    return files;
  }

  sdk::TestFolder folder_;
  SystemClock clock_;
  Signature signature_;
  PredictionLog::Options options_;
};

TEST_F(PredictionLogTest, HoldsTheRequestsIdAndTheListedColumnsOnly) {
  auto log = Start();
  Send(log.get(), "r-1");
  Send(log.get(), "r-2");
  log->Flush();
  const auto files = Files();
  ASSERT_EQ(files.size(), 1U);
  auto reader = sdk::DatasetReader::Open(files[0]);
  ASSERT_TRUE(reader) << reader.error().message;
  const auto rows = (*reader)->Next().value();
  EXPECT_EQ(rows->schema()->field_names(),
            (std::vector<std::string>{"request_id", "row", "time", "model", "version", "요일",
                                      "hour", "probability", "label"}));
  const auto text = rows->ToString();
  EXPECT_THAT(text, HasSubstr("\"r-1\",\n    \"r-1\",\n    \"r-2\""));
  EXPECT_THAT(text, HasSubstr("\"화\""));
  EXPECT_THAT(text, HasSubstr("null"));
  EXPECT_EQ(rows->GetColumnByName("hour")->null_count(), 2);
  EXPECT_EQ(rows->num_rows(), 4);
  EXPECT_THAT(log->MetricsText(), HasSubstr("log_rows_total 4\n"));
}

TEST_F(PredictionLogTest, WritesWhatIsLeftWhenItEnds) {
  Send(Start().get(), "r-1");
  EXPECT_EQ(Files().size(), 1U);
}

TEST_F(PredictionLogTest, SendsFilesOnAndTriesAgainWhatDidNotArrive) {
  std::vector<std::string> arrived;
  bool reachable = false;
  options_.send = [&](const std::string& path) -> Result<void> {
    if (!reachable) return Transient("away");
    if (path.ends_with(".requests")) return {};
    arrived.push_back(std::filesystem::path(path).filename().string());
    return {};
  };
  {
    auto log = Start();
    Send(log.get(), "r-1");
    log->Flush();
    EXPECT_EQ(Files().size(), 1U);
    EXPECT_THAT(log->MetricsText(), HasSubstr("log_send_failures_total 1\n"));
    reachable = true;
    Send(log.get(), "r-2");
    log->Flush();
    EXPECT_EQ(Files().size(), 0U);
    EXPECT_THAT(log->MetricsText(), HasSubstr("log_files_sent_total 2\n"));
    Send(log.get(), "r-3");
  }
  ASSERT_EQ(arrived.size(), 3U);
  EXPECT_LT(arrived[0], arrived[1]);  // oldest first
  EXPECT_LT(arrived[1], arrived[2]);
}

// So that the operator, which reads no Parquet, finds the version that answered a request.
TEST_F(PredictionLogTest, SendsWhichRequestsAFileIsOfBeforeTheFile) {
  const std::string digest = "sha256:" + std::string(64, 'a');
  std::vector<std::string> order;
  const artifacts::PredictionStore store(folder_ / "store");
  options_.digest = digest;
  options_.send = [&](const std::string& path) -> Result<void> {
    const std::filesystem::path file(path);
    order.push_back(file.extension().string());
    return store.Put("team", "m", file.filename().string(), ReadFile(file).value());
  };
  const std::string odd = "line\nbreak \"and\" quotes";
  {
    auto log = Start();
    Send(log.get(), "r-1");
    Send(log.get(), odd);
  }
  EXPECT_THAT(order, testing::ElementsAre(".requests", ".parquet"));
  EXPECT_TRUE(std::filesystem::is_empty(options_.folder));
  for (const std::string& id : {std::string("r-1"), odd}) {
    const auto found = store.FindRequest("team", "", id, clock_, {});
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(found->deployment, "m");
    EXPECT_EQ(found->version, "7");
    EXPECT_EQ(found->digest, digest);
  }
  EXPECT_FALSE(store.FindRequest("team", "", "r", clock_, {})) << "a part of an id is none";
}

TEST_F(PredictionLogTest, AStoreThatTakesNoRequestsYetGetsTheRowsAllTheSame) {
  int arrived = 0;
  options_.send = [&](const std::string& path) -> Result<void> {
    if (path.ends_with(".requests")) return Invalid("no prediction file");
    ++arrived;
    return {};
  };
  auto log = Start();
  Send(log.get(), "r-1");
  log->Flush();
  EXPECT_EQ(arrived, 1);
  EXPECT_TRUE(std::filesystem::is_empty(options_.folder));
  EXPECT_THAT(log->MetricsText(), HasSubstr("log_send_failures_total 0\n"));
}

TEST_F(PredictionLogTest, AFileThatTheStoreRefusesHoldsNoOtherUp) {
  std::vector<std::string> arrived;
  bool first = true;
  options_.send = [&](const std::string& path) -> Result<void> {
    if (std::exchange(first, false)) return Transient("away");
    if (path.ends_with("-000000.parquet")) return Invalid("refused");
    if (path.ends_with(".requests")) return {};
    arrived.push_back(path);
    return {};
  };
  auto log = Start();
  Send(log.get(), "r-1");
  log->Flush();
  Send(log.get(), "r-2");
  log->Flush();
  EXPECT_EQ(arrived.size(), 1U);
  EXPECT_EQ(Files().size(), 1U) << "what was refused is kept, and counted";
  EXPECT_THAT(log->MetricsText(), HasSubstr("log_send_failures_total 2\n"));
}

TEST_F(PredictionLogTest, RollsAFileByItselfWhenTheQueueIsHalfFull) {
  options_.queue_rows = 8;
  auto log = Start();
  for (int i = 0; i < 2; ++i) Send(log.get(), "r");
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (log->MetricsText().find("log_rows_total 4\n") == std::string::npos) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    std::this_thread::yield();
  }
  EXPECT_EQ(Files().size(), 1U);
}

TEST_F(PredictionLogTest, DropsAndCountsWhatDoesNotFitTheQueue) {
  options_.queue_rows = 3;
  auto log = Start();
  // One request fits; the writer is woken by it, so a second may fit again or be dropped: a request
  // larger than the queue never does.
  const auto big = log->Take({{"요일", Datatype::kBytes, {4}, std::vector<std::string_view>(4), {}},
                              {"hour", Datatype::kInt64, {4}, std::vector<std::int64_t>(4), {}},
                              {}},
                             4);
  log->Add(big, "big",
           {{"p", Datatype::kFp32, {4}, std::vector<float>(4)},
            {"l", Datatype::kBytes, {4}, std::vector<std::string>(4)}});
  EXPECT_THAT(log->MetricsText(), HasSubstr("dropped_total{reason=\"queue_full\"} 4\n"));
  options_.queue_bytes = 10;
  auto tiny = Start();
  Send(tiny.get(), "r");
  EXPECT_THAT(tiny->MetricsText(), HasSubstr("dropped_total{reason=\"queue_full\"} 2\n"));
}

TEST_F(PredictionLogTest, DropsAndCountsWhatCannotBeWritten) {
  auto log = Start();
  std::filesystem::remove_all(options_.folder);
  Send(log.get(), "r");
  log->Flush();
  EXPECT_THAT(log->MetricsText(), HasSubstr("dropped_total{reason=\"write_failed\"} 2\n"));
  EXPECT_THAT(log->MetricsText(), HasSubstr("log_rows_total 0\n"));
  std::filesystem::create_directories(options_.folder);  // it goes on when the folder is back
  Send(log.get(), "r");
  log->Flush();
  EXPECT_THAT(log->MetricsText(), HasSubstr("log_rows_total 2\n"));
}

TEST_F(PredictionLogTest, StopsAtTheFoldersLimit) {
  options_.folder_bytes = 10;
  auto log = Start();
  Send(log.get(), "r");
  log->Flush();
  Send(log.get(), "r");
  log->Flush();
  EXPECT_EQ(Files().size(), 1U);
  EXPECT_THAT(log->MetricsText(), HasSubstr("dropped_total{reason=\"folder_full\"} 2\n"));
}

TEST_F(PredictionLogTest, TakesTheShareOfRequestsThatWasAskedFor) {
  options_.sample = 0.1;
  auto log = Start();
  int taken = 0;
  for (int i = 0; i < 10'000; ++i) taken += Send(log.get(), "r") ? 1 : 0;
  EXPECT_GT(taken, 800);
  EXPECT_LT(taken, 1200);
  options_.sample = 0;
  EXPECT_FALSE(Send(Start().get(), "r"));
}

TEST_F(PredictionLogTest, RefusesColumnsThatCannotBeLogged) {
  const auto problem = [&](std::vector<std::string> columns) {
    options_.columns = std::move(columns);
    auto log = PredictionLog::Start(options_, signature_, &clock_);
    return log ? "" : log.error().message;
  };
  EXPECT_THAT(problem({"gone"}), HasSubstr("no input or output 'gone'"));
  EXPECT_THAT(problem({"all"}), HasSubstr("one value a row"));
  EXPECT_THAT(problem({}), HasSubstr("no columns are listed"));
  std::ofstream(folder_ / "file") << "x";
  options_.folder = folder_ / "file/log";
  EXPECT_THAT(problem({"hour"}), HasSubstr("file/log"));
}

TEST_F(PredictionLogTest, AnObserverWithoutStatisticsStillLogs) {
  ObserverOptions options;
  options.log = options_;
  auto observer = ModelObserver::Make(folder_.path(), signature_, options, &clock_);
  ASSERT_TRUE(observer) << observer.error().message;
  EXPECT_EQ((*observer)->watched(), 0U);
  EXPECT_THAT((*observer)->MetricsText(), Not(HasSubstr("drift")));
  EXPECT_THAT((*observer)->MetricsText(), HasSubstr("prediction_log"));
  EXPECT_EQ(ModelObserver::Make(folder_.path(), signature_, {}, &clock_).value()->SeeInputs({}, 1),
            nullptr);
}

TEST_F(PredictionLogTest, StatisticsThatCannotBeLookedAtAreNotAbsent) {
  std::filesystem::create_symlink("statistics.json", folder_ / "statistics.json");  // in a circle
  const auto observer = ModelObserver::Make(folder_.path(), signature_, {}, &clock_);
  ASSERT_FALSE(observer);
  EXPECT_THAT(observer.error().message, HasSubstr("looking at"));
}

TEST_F(PredictionLogTest, AnObserverRefusesDamagedStatistics) {
  std::ofstream(folder_ / "statistics.json") << "{";
  const auto observer = ModelObserver::Make(folder_.path(), signature_, {}, &clock_);
  ASSERT_FALSE(observer);
  EXPECT_THAT(observer.error().message, HasSubstr("statistics.json"));
}

}  // namespace
}  // namespace penstock::serve
