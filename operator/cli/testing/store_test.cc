// penstock store: over a state folder, and a cluster's through a gateway.
#include <gmock/gmock.h>

#include "operator/base/json.h"
#include "operator/base/sha256.h"
#include "operator/cli/testing/run_fixture.h"
#include "operator/gateway/api/api_routes.h"
#include "operator/gateway/testing/gateway_fixture.h"
#include "operator/kube/resources.h"

namespace penstock::cli {
namespace {

namespace fs = std::filesystem;
using std::chrono::hours;
using ::testing::HasSubstr;

class StoreTest : public CliTest {
 protected:
  [[nodiscard]] State Here() const { return State(folder_ / ".penstock"); }
  // An artifact that was put so long ago.
  std::string Put(const std::string& text, hours ago = hours(0)) {
    Write("data.txt", text);
    EXPECT_EQ(Penstock({"artifact", "put", "data.txt", "--state", ".penstock"}), kOk) << Output();
    const std::string digest = "sha256:" + Sha256Hex(text);
    Age(Here().store().BlobPath(kLocalNamespace, digest).value(), ago);
    return digest;
  }
  static void Age(const fs::path& file, hours ago) {
    fs::last_write_time(file, fs::file_time_type::clock::now() - ago);
  }
  [[nodiscard]] bool Has(const std::string& digest) const {
    return Here().store().BlobSize(kLocalNamespace, digest).has_value();
  }
  std::string Output() { return out_.str() + err_.str(); }
};

TEST_F(StoreTest, DuShowsWhatIsInUseCachedRecentAndOrphaned) {
  const std::string used = Put(std::string(1000, 'u'), hours(24 * 9));
  const std::string cached = Put(std::string(2000, 'c'), hours(24 * 9));
  Put(std::string(3000, 'r'));
  Put(std::string(4000, 'o'), hours(24 * 9));
  ASSERT_TRUE(Here().Save(
      kube::kPipelines,
      {{"kind", "Pipeline"}, {"metadata", {{"name", "p"}}}, {"status", {{"digest", used}}}}));
  Receipt receipt;
  receipt.outputs.push_back({"o", "file", {cached, false, 2000}});
  ASSERT_TRUE(Here().store().PutCacheEntry(kLocalNamespace, Sha256Hex("key"), receipt));
  ASSERT_EQ(Penstock({"store", "du", "-o", "json"}), kOk) << Output();
  const Json use = Json::parse(out_.str())["namespaces"][0];
  EXPECT_EQ(use["namespace"], kLocalNamespace);
  EXPECT_EQ(use["inUse"]["bytes"], 1000);
  EXPECT_EQ(use["cached"]["bytes"], 2000);
  EXPECT_EQ(use["recent"]["bytes"], 3000);
  EXPECT_EQ(use["orphaned"]["bytes"], 4000);
  ASSERT_EQ(Penstock({"store", "du"}), kOk);
  EXPECT_THAT(out_.str(), HasSubstr("ORPHANED"));
}

TEST_F(StoreTest, GcLeavesAloneWhatAnotherStateFolderCollectsUntilItIsTakenOver) {
  const std::string orphan = Put("orphan", hours(24 * 9));
  const std::string another = std::string(kLocalNamespace) + "/collectors/";
  ASSERT_TRUE(Here().store().objects().Put(another + "0123abcd",
                                           R"({"name": "the state folder /elsewhere"})"));
  EXPECT_EQ(Penstock({"store", "gc"}), kFailed);
  EXPECT_THAT(Output(), HasSubstr("collected by the state folder /elsewhere too"));
  EXPECT_TRUE(Has(orphan));
  ASSERT_EQ(Penstock({"store", "gc", "--take-over"}), kOk) << Output();
  EXPECT_FALSE(Has(orphan));
  ASSERT_EQ(Penstock({"store", "gc"}), kOk) << Output();
  const auto id = Here().Id();
  ASSERT_TRUE(id) << id.error().message;
  EXPECT_EQ(id->size(), 32U);
  EXPECT_TRUE(Here().store().objects().Size(another + *id).value().has_value());
}

TEST_F(StoreTest, ExportAndImportCarryArtifactsFromOneStateFolderToAnother) {
  const std::string digest = Put("carried");
  ASSERT_EQ(Penstock({"store", "export", digest, "-o", "x.tar"}), kOk) << Output();
  EXPECT_THAT(out_.str(), HasSubstr(digest));
  EXPECT_EQ(Penstock({"store", "export", digest, "-o", "x.tar"}), kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("x.tar exists already"));
  ASSERT_EQ(Penstock({"store", "import", "x.tar", "--state", "other"}), kOk) << Output();
  EXPECT_THAT(err_.str(), HasSubstr("taken in: 1 files"));
  EXPECT_TRUE(State(folder_ / "other").store().BlobSize(kLocalNamespace, digest).has_value());
  EXPECT_EQ(Penstock({"store", "export", "sha256:" + std::string(64, '0'), "-o", "y.tar"}),
            kFailed);
  EXPECT_EQ(Penstock({"store", "export", "nothing", "-o", "y.tar"}), kFailed);
  EXPECT_FALSE(fs::exists(folder_ / "y.tar"));
}

TEST_F(StoreTest, GcRemovesWhatADryRunNamed) {
  const std::string old = Put("old", hours(24 * 9)), young = Put("young");
  ASSERT_EQ(Penstock({"store", "gc", "--dry-run"}), kOk) << Output();
  EXPECT_THAT(err_.str(), HasSubstr("would remove 1 file, 3 B, and 0 cache entries\n"));
  EXPECT_TRUE(Has(old));
  ASSERT_EQ(Penstock({"store", "gc"}), kOk) << Output();
  EXPECT_THAT(err_.str(), HasSubstr("removed 1 file, 3 B, and 0 cache entries\n"));
  EXPECT_FALSE(Has(old));
  EXPECT_TRUE(Has(young));
}

TEST_F(StoreTest, GcWaitsForNoRunAtWork) {
  const std::string old = Put("old", hours(24 * 9));
  {
    const auto lock = StateLock::Take(Here());
    ASSERT_TRUE(lock);
    EXPECT_EQ(Penstock({"store", "gc"}), kFailed);
    EXPECT_THAT(err_.str(), HasSubstr("runs in"));
    EXPECT_EQ(Penstock({"store", "du"}), kOk) << Output();
  }
  EXPECT_TRUE(Has(old));
}

TEST_F(StoreTest, GcRemovesNothingWhereAnObjectCannotBeRead) {
  const std::string old = Put("old", hours(24 * 9));
  Write(".penstock/objects/pipelineruns/half.json", "{\"kind\":");
  EXPECT_EQ(Penstock({"store", "gc"}), kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("half.json"));
  EXPECT_TRUE(Has(old));
}

TEST_F(StoreTest, VerifyNamesWhatIsAlteredAndDropsItFromTheCache) {
  const std::string digest = Put("as it was written");
  Receipt receipt;
  receipt.run = "p-1";
  receipt.step = "train";
  receipt.outputs.push_back({"o", "file", {digest, false, 17}});
  const artifacts::Store store = Here().store();
  ASSERT_TRUE(store.PutCacheEntry(kLocalNamespace, Sha256Hex("key"), receipt));
  ASSERT_EQ(Penstock({"store", "verify"}), kOk) << Output();
  EXPECT_THAT(err_.str(), HasSubstr("1 file read, 17 B: all as they were written"));
  const fs::path path = store.BlobPath(kLocalNamespace, digest).value();
  fs::permissions(path, fs::perms::owner_write, fs::perm_options::add);
  std::ofstream(path) << "as it was altered";
  EXPECT_EQ(Penstock({"store", "verify"}), kFailed);
  EXPECT_THAT(out_.str(), HasSubstr("altered " + digest + " in namespace default\n"));
  EXPECT_THAT(out_.str(), HasSubstr("of step train of run p-1: the next run"));
  EXPECT_EQ(store.GetCacheEntry(kLocalNamespace, Sha256Hex("key")).error().kind,
            ErrorKind::kNotFound);
  EXPECT_EQ(Penstock({"store", "verify"}), kOk) << "it was set aside: " << Output();
}

TEST_F(StoreTest, SaysWhatItDoesNotKnow) {
  Put("x");
  EXPECT_EQ(Penstock({"store"}), kUsage);
  EXPECT_EQ(Penstock({"store", "du", "-o", "wide"}), kUsage);
  EXPECT_EQ(Penstock({"store", "du", "--state", "nowhere"}), kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("no state folder"));
  EXPECT_EQ(Penstock({"store", "verify", "--dry-run"}), kUsage);
  EXPECT_EQ(Penstock({"store", "gc", "--help"}), kOk);
  EXPECT_THAT(out_.str(), HasSubstr("--dry-run"));
}

class StoreAfterARun : public RunTest {};

TEST_F(StoreAfterARun, WhatARunMadeStaysAsLongAsTheRunDoes) {
  ASSERT_EQ(Run(), kOk) << out_.str() << err_.str();
  const fs::path artifacts = folder_ / ".penstock" / "artifacts";
  for (const auto& entry : fs::recursive_directory_iterator(artifacts))
    if (entry.is_regular_file())
      fs::last_write_time(entry.path(), entry.last_write_time() - hours(24 * 40));
  ASSERT_EQ(Penstock({"store", "gc"}), kOk) << out_.str() << err_.str();
  EXPECT_THAT(err_.str(), HasSubstr("removed 0 files")) << "but the cache entries";
  ASSERT_EQ(Penstock({"store", "verify"}), kOk) << out_.str() << err_.str();
  EXPECT_EQ(Penstock({"artifact", "get", "words", "copy.txt"}), kOk) << err_.str();
  ASSERT_EQ(Run(), kOk) << out_.str() << err_.str();
  EXPECT_FALSE(Step(NewestRun(), "write").value("cached", false)) << "its entry went";
  ASSERT_EQ(Run(), kOk);
  EXPECT_TRUE(Step(NewestRun(), "write").value("cached", false));
}

// --- a cluster's store, through its gateway

class OneMay : public gateway::Access {
 public:
  Result<gateway::Caller> WhoIs(net::Exchange& x) override {
    if (x.Header("Authorization") == "Bearer good") return gateway::Caller{"alice", {}, "good"};
    Error error = Invalid("the token is not accepted");
    error.kind = ErrorKind::kForbidden;
    return error;
  }
  Result<bool> May(const gateway::Caller&, const std::string& ns, const gateway::Right& right,
                   const std::stop_token&) override {
    return ns.empty() && right.resource == "stores" && verbs.contains(right.verb);
  }
  std::set<std::string> verbs{"get", "delete"};
};

class NothingRefers : public artifacts::References {
 public:
  Result<void> Each(const std::string&, const TextSink&, const std::stop_token&) override {
    return {};
  }
};

class StoreOfACluster : public CliTest {
 protected:
  StoreOfACluster() {
    parts_.access = &access_;
    parts_.bodies = &gateway_.bodies;
    parts_.keeper = &keeper_;
    gateway::AddApi(gateway_.router, parts_);
    gateway_.Start();
    Write("token", "good\n");
    Write("ca.pem", gateway_.certificates->CaPem());
    Write("data", "old");
    digest_ = gateway_.store.Put("team", folder_ / "data")->digest;
    fs::last_write_time(gateway_.store.BlobPath("team", digest_).value(),
                        fs::file_time_type::clock::now() - hours(24 * 9));
    session_.connect = [](const GlobalFlags&) { return Result<Cluster>(Cluster()); };
  }
  ~StoreOfACluster() override { gateway_.server->Stop(); }

  int Store(std::vector<std::string> words) {
    words.insert(words.begin(), "store");
    for (const std::string& flag :
         {std::string("--cluster"), std::string("--gateway"), gateway_.Url(),
          std::string("--token-file"), std::string("token"), std::string("--ca-file"),
          std::string("ca.pem")})
      words.push_back(flag);
    return Penstock(words);
  }
  [[nodiscard]] bool Has() const { return gateway_.store.BlobSize("team", digest_).has_value(); }

  OneMay access_;
  NothingRefers references_;
  gateway::TestGateway gateway_{folder_};
  retention::StoreKeeper keeper_{
      gateway_.store, references_, clock_, {}, [](const artifacts::Collected&) {}};
  gateway::ApiParts parts_;
  std::string digest_;
};

TEST_F(StoreOfACluster, IsMeasuredCollectedAndVerified) {
  ASSERT_EQ(Store({"du", "-o", "json"}), kOk) << err_.str();
  EXPECT_EQ(Json::parse(out_.str())["namespaces"][0]["orphaned"]["bytes"], 3);
  ASSERT_EQ(Store({"gc", "--dry-run"}), kOk) << err_.str();
  EXPECT_THAT(err_.str(), HasSubstr("would remove 1 file"));
  ASSERT_EQ(Store({"verify"}), kOk) << err_.str();
  EXPECT_THAT(err_.str(), HasSubstr("1 file read"));
  EXPECT_TRUE(Has());
  ASSERT_EQ(Store({"gc"}), kOk) << err_.str();
  EXPECT_THAT(err_.str(), HasSubstr("removed 1 file"));
  EXPECT_FALSE(Has());
}

TEST_F(StoreOfACluster, IsRefusedToWhoMayOnlyLook) {
  access_.verbs = {"get"};
  EXPECT_EQ(Store({"du"}), kOk) << err_.str();
  EXPECT_EQ(Store({"gc"}), kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("alice may not delete stores in all namespaces"));
  EXPECT_THAT(err_.str(), HasSubstr("-store"));
  EXPECT_TRUE(Has());
}

}  // namespace
}  // namespace penstock::cli
