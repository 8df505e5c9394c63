// What holds of every artifact store, whatever its objects stand in: one suite over a volume, over
// stores that speak S3 with and without its newer promises, and over a real one where
// PENSTOCK_TEST_S3 names it (tests/integration/real_store.py): "<endpoint> <bucket> <access key>
// <secret key>".
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

#include "operator/artifacts/compose.h"
#include "operator/artifacts/folder_objects.h"
#include "operator/artifacts/manifest.h"
#include "operator/artifacts/s3/objects_by_namespace.h"
#include "operator/artifacts/s3/s3_objects.h"
#include "operator/artifacts/store.h"
#include "operator/artifacts/tree.h"
#include "operator/base/file.h"
#include "operator/base/sha256.h"
#include "operator/s3/testing/fake_s3.h"

namespace penstock::artifacts {
namespace {
namespace fs = std::filesystem;

const SystemClock kSuiteClock;

// A store under test, and how its bytes are reached past it.
struct StoreUnderTest {
  std::unique_ptr<s3::FakeS3> fake;
  std::shared_ptr<const Objects> objects;
  std::unique_ptr<Store> store;
  std::function<void(const std::string& key, const std::string& bytes)> overwrite;
};

void UseBucket(StoreUnderTest& out, std::shared_ptr<s3::Client> writer,
               std::unique_ptr<s3::Client> client, const fs::path& dir, const std::string& prefix) {
  S3ObjectsSettings settings;
  settings.prefix = prefix;
  settings.scratch = dir / ".stores" / "tmp";
  out.objects = std::make_shared<S3Objects>(std::move(client), settings);
  out.overwrite = [writer, prefix](const std::string& key, const std::string& bytes) {
    const auto put = writer->Put(prefix + key, s3::BodyOf(bytes), {}, {});
    ASSERT_TRUE(put) << put.error().message;
  };
}

StoreUnderTest MakeStore(const std::string& kind, const fs::path& dir) {
  StoreUnderTest out;
  if (kind == "Volume") {
    out.objects = std::make_shared<FolderObjects>(dir, Room());
    out.store = std::make_unique<Store>(dir);
    out.overwrite = [dir](const std::string& key, const std::string& bytes) {
      fs::permissions(dir / key, fs::perms::owner_write, fs::perm_options::add);
      std::ofstream(dir / key) << bytes;
    };
    return out;
  }
  if (kind == "MinIO") {
    std::istringstream named(std::getenv("PENSTOCK_TEST_S3"));
    s3::BucketSettings bucket;
    net::SigningKeys keys;
    named >> bucket.endpoint >> bucket.bucket >> keys.access_key >> keys.secret_key;
    const auto make = [&] { return *s3::Client::Make(bucket, s3::FixedKeys(keys), kSuiteClock); };
    UseBucket(out, make(), make(), dir, Sha256Hex(dir.string()).substr(0, 12) + "/");
  } else {
    const bool plain = kind == "PlainS3";
    out.fake = std::make_unique<s3::FakeS3>(s3::FakeS3::Options{
        .conditional = !plain, .checks_sha256 = !plain, .keeps_crc32c = !plain});
    UseBucket(out, out.fake->MakeClient(), out.fake->MakeClient(), dir, "some/where/");
  }
  if (kind == "OwnS3")
    out.objects = std::make_shared<ObjectsByNamespace>(
        std::make_shared<FolderObjects>(dir, Room()),
        std::map<std::string, std::shared_ptr<const Objects>>{{"ns", out.objects}});
  out.store = std::make_unique<Store>(dir, Room(), out.objects);
  return out;
}

class EveryStore : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (GetParam() == std::string("MinIO") && std::getenv("PENSTOCK_TEST_S3") == nullptr)
      GTEST_SKIP() << "PENSTOCK_TEST_S3 names no store; tests/integration/real_store.py starts one";
    ASSERT_TRUE(RemoveTree(dir_));
    fs::create_directories(dir_ / "in" / "sub");
    Write("in/a.csv", "1,2\n");
    Write("in/sub/run.sh", "#!/bin/sh\n");
    fs::permissions(dir_ / "in" / "sub" / "run.sh", fs::perms::owner_exec, fs::perm_options::add);
    under_ = MakeStore(GetParam(), dir_ / "store");
  }
  void TearDown() override {
    under_ = {};
    ASSERT_TRUE(RemoveTree(dir_));
  }
  void Write(const std::string& name, const std::string& bytes) const {
    std::ofstream(dir_ / name) << bytes;
  }
  [[nodiscard]] const Store& store() const { return *under_.store; }
  [[nodiscard]] Result<void> PutText(const std::string& digest, const std::string& text) const {
    return store().PutBlob("ns", digest, text.size(), [&, sent = false]() mutable {
      return Result<std::string_view>(std::exchange(sent, true) ? std::string_view() : text);
    });
  }
  static std::string DigestOf(const std::string& text) { return "sha256:" + Sha256Hex(text); }

  const fs::path dir_ =
      fs::path(testing::TempDir()) /
      ("suite_" +
       Sha256Hex(testing::UnitTest::GetInstance()->current_test_info()->name()).substr(0, 16));
  StoreUnderTest under_;
};

TEST_P(EveryStore, GivesAFolderBackWithItsExecutablesReadOnly) {
  const auto ref = store().Put("ns", dir_ / "in");
  ASSERT_TRUE(ref) << ref.error().message;
  EXPECT_TRUE(ref->folder);
  EXPECT_TRUE(store().Exists("ns", *ref).value());
  const auto got = store().Get("ns", *ref, dir_ / "out");
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(ReadFile(dir_ / "out" / "sub" / "run.sh").value(), "#!/bin/sh\n");
  struct stat st {};
  ASSERT_EQ(::stat((dir_ / "out" / "sub" / "run.sh").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777, 0555U);
  EXPECT_EQ(store().Put("ns", dir_ / "out")->digest, ref->digest) << "equal folders, equal names";
  EXPECT_EQ(store().Find("ns", ref->digest).value(), *ref);
}

TEST_P(EveryStore, GivesAFileAnEmptyOneAndAnEmptyFolderBack) {
  Write("empty", "");
  fs::create_directory(dir_ / "none");
  int i = 0;
  for (const char* name : {"in/a.csv", "empty", "none"}) {
    const auto ref = store().Put("ns", dir_ / name);
    ASSERT_TRUE(ref) << name << ": " << ref.error().message;
    EXPECT_EQ(store().Find("ns", ref->digest).value(), *ref) << name;
    EXPECT_TRUE(store().Exists("ns", *ref).value()) << name;
    const fs::path out = dir_ / ("out" + std::to_string(i++));
    const auto got = store().Get("ns", *ref, out);
    ASSERT_TRUE(got) << name << ": " << got.error().message;
    EXPECT_TRUE(fs::exists(out)) << name;
  }
  Write("in/looks.json", "{\"files\":[]}");
  const auto ref = store().Put("ns", dir_ / "in" / "looks.json").value();
  EXPECT_EQ(store().Find("ns", ref.digest).value(), ref) << "a manifest's beginning is none";
}

TEST_P(EveryStore, ShowsNoNamespaceWhatIsAnothers) {
  const auto ref = store().Put("ns", dir_ / "in").value();
  EXPECT_EQ(store().Find("other", ref.digest).error().kind, ErrorKind::kNotFound);
  EXPECT_FALSE(store().Exists("other", ref).value());
  EXPECT_EQ(store().BlobSize("other", ref.digest).error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(store().Get("other", ref, dir_ / "out").error().kind, ErrorKind::kNotFound);
  EXPECT_FALSE(fs::exists(dir_ / "out"));
  for (const char* ns : {"../ns", "", "a/b", ".."})
    EXPECT_EQ(store().BlobSize(ns, ref.digest).error().kind, ErrorKind::kInvalid) << ns;
}

TEST_P(EveryStore, ReadsPartsOfABlob) {
  ASSERT_TRUE(PutText(DigestOf("0123456789"), "0123456789"));
  const auto read = [&](std::uint64_t offset, std::uint64_t length) {
    std::string out;
    const auto done = store().ReadBlob("ns", DigestOf("0123456789"), offset, length,
                                       [&](std::string_view bytes) -> Result<void> {
                                         out += bytes;
                                         return {};
                                       });
    return done ? out : done.error().message;
  };
  EXPECT_EQ(read(0, UINT64_MAX), "0123456789");
  EXPECT_EQ(read(3, 4), "3456");
  EXPECT_EQ(read(8, 100), "89");
  EXPECT_EQ(read(10, 1), "");
  EXPECT_EQ(store().BlobSize("ns", DigestOf("0123456789")).value(), 10U);
  const auto stopped = store().ReadBlob("ns", DigestOf("0123456789"), 0, 10, [](std::string_view) {
    return Result<void>(Invalid("the reader has had enough"));
  });
  ASSERT_FALSE(stopped);
  EXPECT_NE(stopped.error().message.find("had enough"), std::string::npos);
}

TEST_P(EveryStore, TakesNoBytesThatAreOthersThanTheirName) {
  const auto put = PutText(DigestOf("expected"), "sent");
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().kind, ErrorKind::kDamaged) << put.error().message;
  EXPECT_EQ(store().BlobSize("ns", DigestOf("expected")).error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(store().BlobSize("ns", DigestOf("sent")).error().kind, ErrorKind::kNotFound);
  const auto broken = store().PutBlob("ns", DigestOf("ab"), 2, [sent = 0]() mutable {
    return ++sent == 1 ? Result<std::string_view>(std::string_view("a"))
                       : Result<std::string_view>(Transient("the sender has gone"));
  });
  ASSERT_FALSE(broken);
  EXPECT_EQ(store().BlobSize("ns", DigestOf("ab")).error().kind, ErrorKind::kNotFound);
}

TEST_P(EveryStore, SetsDamagedBytesAsideSoThatTheirMakerRepairsThem) {
  const auto ref = store().Put("ns", dir_ / "in").value();
  const std::string file = DigestOf("1,2\n");
  ASSERT_TRUE(store().Verify("ns", file).value());
  ASSERT_TRUE(store().Exists("ns", ref).value());
  under_.overwrite(BlobKey("ns", file), "1,3\n");
  const auto got = store().Get("ns", ref, dir_ / "out");
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, ErrorKind::kDamaged);
  EXPECT_FALSE(fs::exists(dir_ / "out"));
  EXPECT_FALSE(store().Exists("ns", ref).value());
  ASSERT_TRUE(store().Put("ns", dir_ / "in"));
  EXPECT_TRUE(store().Get("ns", ref, dir_ / "out"));
}

TEST_P(EveryStore, KeepsReceiptsAndCacheEntriesOfRuns) {
  Receipt receipt;
  receipt.run_uid = "uid-1";
  for (const char* pod : {"pod-b", "pod-a"}) {
    receipt.pod = pod;
    const auto put = store().PutReceipt("ns", receipt);
    ASSERT_TRUE(put) << put.error().message;
  }
  receipt.step = "again";
  ASSERT_TRUE(store().PutReceipt("ns", receipt)) << "over the one that is there";
  EXPECT_EQ(store().GetReceipt("ns", "uid-1", "pod-a")->step, "again");
  EXPECT_EQ(store().GetReceipt("ns", "uid-1", "pod-c").error().kind, ErrorKind::kNotFound);
  using Names = std::vector<std::string>;
  EXPECT_EQ(store().Receipts("ns", "uid-1").value(), (Names{"pod-a", "pod-b"}));
  EXPECT_EQ(store().Receipts("ns", "uid-2").value(), Names{});
  EXPECT_EQ(store().RunsWithReceipts("ns").value(), Names{"uid-1"});
  EXPECT_EQ(store().Namespaces().value(), Names{"ns"});
  ASSERT_TRUE(store().PutMetrics("ns", "uid-1", "pod-a", "{}"));
  ASSERT_TRUE(store().RemoveReceipts("ns", "uid-1"));
  EXPECT_EQ(store().Receipts("ns", "uid-1").value(), Names{});
  EXPECT_EQ(store().GetMetrics("ns", "uid-1", "pod-a").error().kind, ErrorKind::kNotFound)
      << "they stay for ever when their run is gone";
  const std::string key = "sha256:" + std::string(64, 'a');
  ASSERT_TRUE(store().PutCacheEntry("ns", key, receipt));
  EXPECT_EQ(store().GetCacheEntry("ns", key)->pod, "pod-a");
  ASSERT_TRUE(store().DropCacheEntry("ns", key));
  EXPECT_EQ(store().GetCacheEntry("ns", key).error().kind, ErrorKind::kNotFound);
  EXPECT_TRUE(store().DropCacheEntry("ns", key)) << "what has gone has gone";
}

TEST_P(EveryStore, MakesAFolderOfArtifactsWithoutTheirBytes) {
  const std::string big(kBlockBytes + 5, 'b');
  Write("big", big);
  const auto file = store().Put("ns", dir_ / "big").value();
  const auto folder = store().Put("ns", dir_ / "in").value();
  const auto made = ComposeFolder(store(), "ns", {{"big", file}, {"in", folder}});
  ASSERT_TRUE(made) << made.error().message;
  const auto got = store().Get("ns", *made, dir_ / "out");
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(ReadFile(dir_ / "out" / "big").value(), big);
  EXPECT_EQ(ReadFile(dir_ / "out" / "in" / "a.csv").value(), "1,2\n");
}

TEST_P(EveryStore, ManyWritersOfOneBlobAgree) {
  Write("big", std::string(1 << 20, 'x'));
  std::vector<Result<ArtifactRef>> refs(8, Result<ArtifactRef>(NotFound("not run")));
  {
    std::vector<std::jthread> threads;
    for (auto& ref : refs) threads.emplace_back([&] { ref = store().Put("ns", dir_ / "big"); });
  }
  for (const auto& ref : refs) {
    ASSERT_TRUE(ref) << ref.error().message;
    EXPECT_EQ(ref->digest, refs[0]->digest);
  }
  EXPECT_TRUE(store().Verify("ns", refs[0]->digest).value());
}

TEST_P(EveryStore, HoldsAFileOfManyParts) {
  std::string bytes(40UL << 20, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 31 + i / 977);
  Write("large", bytes);
  const auto ref = store().Put("ns", dir_ / "large");
  ASSERT_TRUE(ref) << ref.error().message;
  EXPECT_EQ(ref->digest, DigestOf(bytes));
  EXPECT_TRUE(store().Verify("ns", ref->digest).value());
  const auto got = store().Get("ns", *ref, dir_ / "back");
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(Sha256Hex(ReadFile(dir_ / "back").value()), ref->digest.substr(7));
}

TEST_P(EveryStore, TellsAFolderFromWhatIsCalledOne) {
  const auto folder = store().Put("ns", dir_ / "in").value();
  EXPECT_TRUE(store().CheckFolder("ns", folder.digest));
  const auto none = store().CheckFolder("ns", DigestOf("1,2\n"));
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, ErrorKind::kInvalid);
  const auto exists = store().Exists("ns", {DigestOf("1,2\n"), true, 4});
  ASSERT_FALSE(exists);
  EXPECT_EQ(exists.error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(store().CheckFolder("ns", DigestOf("x")).error().kind, ErrorKind::kNotFound);
}

TEST_P(EveryStore, LeavesNothingInItsScratchFolder) {
  const auto ref = store().Put("ns", dir_ / "in").value();
  ASSERT_TRUE(store().Exists("ns", ref).value());
  ASSERT_TRUE(store().Find("ns", ref.digest));
  for (const char* folder : {".stores/tmp", "ns/tmp"}) {
    const fs::path path = dir_ / "store" / folder;
    EXPECT_TRUE(!fs::exists(path) || fs::is_empty(path)) << folder;
  }
  EXPECT_TRUE(store().RemoveLeftovers(std::chrono::hours(1)));
  EXPECT_TRUE(store().Exists("ns", ref).value());
}

INSTANTIATE_TEST_SUITE_P(Stores, EveryStore,
                         testing::Values("Volume", "S3", "PlainS3", "OwnS3", "MinIO"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace penstock::artifacts
