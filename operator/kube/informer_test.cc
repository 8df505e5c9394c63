// The informer over the memory cluster, with faults injected.
#include "operator/kube/informer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <future>
#include <optional>

#include "operator/base/json.h"
#include "operator/kube/forwarding_client.h"
#include "operator/kube/resources.h"
#include "operator/local/memory_cluster.h"

namespace penstock::kube {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
constexpr seconds kPatience{20};

Json ConfigMap(const std::string& name, const Json& labels = Json::object()) {
  return {{"metadata", {{"name", name}, {"labels", labels}}}};
}

InformerOptions Fast() {
  InformerOptions options;
  options.backoff = {milliseconds(1), milliseconds(5), seconds(120)};
  return options;
}

// Collects the changes of an informer and waits for them.
class Changes {
 public:
  explicit Changes(Informer& informer) {
    informer.AddHandler([this](const Change& change) {
      const std::lock_guard lock(mutex_);
      static constexpr const char* kNames[] = {"+", "~", "-"};
      all_.push_back(kNames[static_cast<int>(change.type)] + change.key.name);
      changed_.notify_all();
    });
  }
  bool Sees(const std::string& what) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(
        lock, kPatience, [&] { return std::find(all_.begin(), all_.end(), what) != all_.end(); });
  }
  std::vector<std::string> All() {
    const std::lock_guard lock(mutex_);
    return all_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> all_;
};

class InformerTest : public testing::Test {
 protected:
  void Create(const std::string& name, const Json& labels = Json::object()) {
    ASSERT_TRUE(cluster_.Create(kConfigMaps, "ns", ConfigMap(name, labels)));
  }
  std::unique_ptr<Informer> Make(InformerOptions options) {
    return std::make_unique<Informer>(cluster_, kConfigMaps, std::move(options), clock_);
  }
  // Answers the next calls of a verb with these errors, one each.
  void Fail(const std::string& verb, std::vector<Error> errors) {
    const std::lock_guard lock(mutex_);
    for (auto& e : errors) faults_[verb].push_back(std::move(e));
  }
  void SetUp() override {
    cluster_.SetInterceptor([this](const local::Request& request) -> std::optional<Error> {
      const std::lock_guard lock(mutex_);
      auto& faults = faults_[std::string(request.verb)];
      if (faults.empty()) return std::nullopt;
      Error error = faults.front();
      faults.erase(faults.begin());
      return error;
    });
  }

  SystemClock clock_;
  local::MemoryCluster cluster_{clock_};
  std::mutex mutex_;
  std::map<std::string, std::vector<Error>> faults_;
};

Error Of(ErrorKind kind) {
  Error e;
  e.kind = kind;
  e.message = Name(kind);
  return e;
}

TEST_F(InformerTest, ListsThenFollows) {
  Create("a");
  auto informer = Make(Fast());
  Changes changes(*informer);
  informer->Start();
  ASSERT_TRUE(informer->WaitForSync(kPatience));
  EXPECT_EQ(changes.All(), (std::vector<std::string>{"+a"}));
  Create("b");
  EXPECT_TRUE(changes.Sees("+b"));
  ASSERT_TRUE(cluster_.MergePatch(kConfigMaps, "ns", "b", {{"data", {{"k", "v"}}}}));
  EXPECT_TRUE(changes.Sees("~b"));
  ASSERT_TRUE(cluster_.Delete(kConfigMaps, "ns", "a"));
  EXPECT_TRUE(changes.Sees("-a"));
  EXPECT_EQ(informer->store().size(), 1U);
  EXPECT_EQ((*informer->store().Get({"ns", "b"}))["data"]["k"], "v");
  EXPECT_EQ(informer->counters().lists, 1U);
}

TEST_F(InformerTest, ListsInPagesWhereStreamingIsNotKnown) {
  for (int i = 0; i < 25; ++i) Create("c" + std::to_string(i));
  Fail("watch", {Of(ErrorKind::kInvalid)});
  auto options = Fast();
  options.page_size = 10;
  auto informer = Make(options);
  informer->Start();
  ASSERT_TRUE(informer->WaitForSync(kPatience));
  EXPECT_EQ(informer->store().size(), 25U);
}

TEST_F(InformerTest, AnExpiredTokenInMidListLosesAndDoublesNothing) {
  for (int i = 0; i < 25; ++i) Create("c" + std::to_string(i));
  auto options = Fast();
  options.page_size = 10;
  options.streaming_list = false;
  auto informer = Make(options);
  Changes changes(*informer);
  std::atomic<int> lists = 0;
  cluster_.SetInterceptor([&](const local::Request& request) -> std::optional<Error> {
    if (request.verb == "list" && ++lists == 2) return Of(ErrorKind::kExpired);
    return std::nullopt;
  });
  informer->Start();
  ASSERT_TRUE(informer->WaitForSync(kPatience));
  EXPECT_EQ(informer->store().size(), 25U);
  EXPECT_EQ(changes.All().size(), 25U);
  EXPECT_EQ(lists, 3);
}

TEST_F(InformerTest, AThirdPageThatExpiresCostsOneListMoreAndNoneOf1253Objects) {
  for (int i = 0; i < 1253; ++i) Create("c" + std::to_string(i));
  auto options = Fast();
  options.streaming_list = false;
  ASSERT_EQ(options.page_size, 500);
  auto informer = Make(options);
  Changes changes(*informer);
  std::atomic<int> lists = 0;
  cluster_.SetInterceptor([&](const local::Request& request) -> std::optional<Error> {
    if (request.verb == "list" && ++lists == 3) return Of(ErrorKind::kExpired);
    return std::nullopt;
  });
  informer->Start();
  ASSERT_TRUE(informer->WaitForSync(kPatience));
  EXPECT_EQ(informer->store().size(), 1253U);
  EXPECT_EQ(changes.All().size(), 1253U);
  EXPECT_EQ(lists, 4) << "three pages, the last one expired, and one list without pages";
}

// Its first watch tells nothing but bookmarks and ends in time, as on a quiet cluster.
class QuietClient : public ForwardingClient {
 public:
  using ForwardingClient::ForwardingClient;
  Result<void> Watch(const ResourceType& type, const std::string& ns, const WatchOptions& options,
                     const WatchSink& sink, std::stop_token stop) override {
    if (++watches_ == 1) {
      for (const char* version : {"5000001", "5000002"}) {
        Json object{{"kind", "ConfigMap"}, {"metadata", {{"resourceVersion", version}}}};
        WatchEvent bookmark{WatchEventType::kBookmark, &object};
        if (!sink(bookmark)) break;
      }
      return {};
    }
    if (watches_ == 2) next_version_.set_value(options.resource_version);
    return ForwardingClient::Watch(type, ns, options, sink, std::move(stop));
  }
  std::future<std::string> NextVersion() { return next_version_.get_future(); }

 protected:
  Result<void> Before(std::string_view, const ResourceType&) override { return {}; }

 private:
  int watches_ = 0;
  std::promise<std::string> next_version_;
};

TEST_F(InformerTest, AWatchOfBookmarksOnlyIsRenewedFromTheLastOfThem) {
  QuietClient quiet(cluster_);
  auto next = quiet.NextVersion();
  auto options = Fast();
  options.streaming_list = false;
  Informer informer(quiet, kConfigMaps, options, clock_);
  informer.Start();
  ASSERT_EQ(next.wait_for(kPatience), std::future_status::ready);
  EXPECT_EQ(next.get(), "5000002");
  EXPECT_EQ(informer.counters().lists, 1U);
}

TEST_F(InformerTest, ARelistTellsDeletionsThatWereMissedAndNoSecondAddition) {
  Create("stays");
  Create("goes");
  auto informer = Make(Fast());
  Changes changes(*informer);
  std::atomic<bool> down = false;
  std::promise<void> failed;
  std::once_flag once;
  informer->OnFailure([&](const Error&) { std::call_once(once, [&] { failed.set_value(); }); });
  cluster_.SetInterceptor([&](const local::Request& request) -> std::optional<Error> {
    if (down && request.verb == "watch") return Of(ErrorKind::kTransient);
    return std::nullopt;
  });
  informer->Start();
  ASSERT_TRUE(informer->WaitForSync(kPatience));
  // While the watch is down, history moves on and is forgotten.
  down = true;
  cluster_.EndWatches();
  failed.get_future().wait();
  ASSERT_TRUE(cluster_.Delete(kConfigMaps, "ns", "goes"));
  Create("comes");
  cluster_.Compact();
  down = false;
  EXPECT_TRUE(changes.Sees("-goes"));
  EXPECT_TRUE(changes.Sees("+comes"));
  const auto all = changes.All();
  EXPECT_EQ(std::count(all.begin(), all.end(), "+stays"), 1);
  EXPECT_EQ(std::count(all.begin(), all.end(), "~stays"), 0);
}

TEST_F(InformerTest, AWatchThatFailsGoesOnWithoutAListWhenItsVersionIsStillKnown) {
  auto informer = Make(Fast());
  Changes changes(*informer);
  std::promise<void> failed_twice;
  informer->OnFailure([&, count = 0](const Error&) mutable {
    if (++count == 2) failed_twice.set_value();
  });
  informer->Start();
  ASSERT_TRUE(informer->WaitForSync(kPatience));
  Fail("watch", {Of(ErrorKind::kTransient), Of(ErrorKind::kTransient)});
  cluster_.EndWatches();
  failed_twice.get_future().wait();
  Create("a");
  EXPECT_TRUE(changes.Sees("+a"));
  EXPECT_EQ(informer->counters().lists, 1U);
  EXPECT_EQ(informer->counters().failures, 2U);
}

TEST_F(InformerTest, KeepsOwnObjectsOnlyAndDropsOnesThatLoseTheirLabel) {
  Create("mine", {{"own", "yes"}});
  Create("foreign");
  auto options = Fast();
  options.label_selector = "own=yes";
  auto informer = Make(options);
  Changes changes(*informer);
  informer->Start();
  ASSERT_TRUE(informer->WaitForSync(kPatience));
  EXPECT_EQ(informer->store().size(), 1U);
  ASSERT_TRUE(cluster_.MergePatch(kConfigMaps, "ns", "mine",
                                  {{"metadata", {{"labels", {{"own", nullptr}}}}}}));
  EXPECT_TRUE(changes.Sees("-mine"));
}

TEST_F(InformerTest, AnObjectThatCannotBeReadDoesNotStopTheOthers) {
  Create("bad");
  Create("good");
  auto options = Fast();
  options.transform = [](Json& object) {
    if (object["metadata"]["name"] == "bad") (void)object.at("spec").get<std::string>();
  };
  auto informer = Make(options);
  Changes changes(*informer);
  informer->Start();
  ASSERT_TRUE(informer->WaitForSync(kPatience));
  Create("later");
  EXPECT_TRUE(changes.Sees("+later"));
  EXPECT_EQ(informer->store().size(), 2U);
  EXPECT_EQ(informer->counters().undecodable, 1U);
}

TEST_F(InformerTest, CutsManagedFieldsAndLastAppliedOff) {
  Json object = ConfigMap("a");
  object["metadata"]["annotations"] = {{"kubectl.kubernetes.io/last-applied-configuration", "{}"},
                                       {"keep", "1"}};
  ASSERT_TRUE(cluster_.Create(kConfigMaps, "ns", object));
  auto options = Fast();
  options.transform = [](Json& o) { o.erase("data"); };
  auto informer = Make(options);
  informer->Start();
  ASSERT_TRUE(informer->WaitForSync(kPatience));
  EXPECT_EQ((*informer->store().Get({"ns", "a"}))["metadata"]["annotations"],
            Json({{"keep", "1"}}));
}

TEST_F(InformerTest, KeepsLessOfAnObjectOnceTheHandlersWereTold) {
  Create("first", {{"l", "1"}});
  auto options = Fast();
  options.keep = [](const Json& o) {
    return Json{{"metadata",
                 {{"name", o["metadata"]["name"]},
                  {"namespace", "ns"},
                  {"uid", o["metadata"]["uid"]},
                  {"resourceVersion", o["metadata"]["resourceVersion"]}}}};
  };
  auto informer = Make(options);
  std::atomic<int> whole = 0;
  informer->AddHandler([&](const Change& c) {
    if (c.after->at("metadata").contains("labels")) ++whole;
  });
  Changes changes(*informer);
  informer->Start();
  ASSERT_TRUE(informer->WaitForSync(kPatience));
  Create("later", {{"l", "1"}});
  EXPECT_TRUE(changes.Sees("+later"));
  EXPECT_EQ(whole, 2) << "the handlers see all of it";
  Create("last");  // told after what is kept of the one before was stored
  EXPECT_TRUE(changes.Sees("+last"));
  for (const char* name : {"first", "later"}) {
    EXPECT_FALSE((*informer->store().Get({"ns", name}))["metadata"].contains("labels")) << name;
  }
  ASSERT_TRUE(cluster_.Delete(kConfigMaps, "ns", "first"));
  EXPECT_TRUE(changes.Sees("-first"));
  EXPECT_EQ(informer->store().size(), 2U);
}

TEST_F(InformerTest, StopsWithinASecondWhileItPausesAndWhileItWatches) {
  for (const bool failing : {true, false}) {
    auto options = Fast();
    if (failing) {
      options.backoff = {seconds(30), seconds(30), seconds(120)};
      Fail("watch", {Of(ErrorKind::kTransient)});
    }
    auto informer = Make(options);
    std::promise<void> failed;
    informer->OnFailure([&](const Error&) { failed.set_value(); });
    informer->Start();
    if (failing) {
      failed.get_future().wait();
    } else {
      ASSERT_TRUE(informer->WaitForSync(kPatience));
    }
    const auto begin = std::chrono::steady_clock::now();
    informer->Stop();
    EXPECT_LT(std::chrono::steady_clock::now() - begin, seconds(1));
  }
}

TEST_F(InformerTest, WaitForSyncGivesUpInTime) {
  Fail("watch", std::vector<Error>(1, Of(ErrorKind::kForbidden)));
  auto options = Fast();
  options.backoff = {seconds(30), seconds(30), seconds(120)};
  auto informer = Make(options);
  informer->Start();
  EXPECT_FALSE(informer->WaitForSync(milliseconds(50)));
  EXPECT_FALSE(informer->HasSynced());
}

}  // namespace
}  // namespace penstock::kube
