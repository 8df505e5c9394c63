#include "operator/artifacts/store.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <thread>

#include "operator/artifacts/blob_writer.h"
#include "operator/artifacts/manifest.h"
#include "operator/artifacts/tree.h"
#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/base/sha256.h"

namespace penstock::artifacts {
namespace {
namespace fs = std::filesystem;

class StoreTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(RemoveTree(dir_));
    fs::create_directories(dir_ / "in" / "sub");
    std::ofstream(dir_ / "in" / "a.csv") << "1,2\n";
    std::ofstream(dir_ / "in" / "sub" / "run.sh") << "#!/bin/sh\n";
    fs::permissions(dir_ / "in" / "sub" / "run.sh", fs::perms::owner_exec, fs::perm_options::add);
  }
  void TearDown() override { ASSERT_TRUE(RemoveTree(dir_)); }

  // Changes one bit in the middle of a stored blob.
  void Damage(const std::string& digest) {
    const fs::path path = store_.BlobPath("ns", digest).value();
    std::string bytes = ReadFile(path).value();
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
    fs::permissions(path, fs::perms::owner_write, fs::perm_options::add);
    std::ofstream(path) << bytes;
  }
  std::size_t Leftovers() const {
    if (!fs::exists(dir_ / "store" / "ns" / "tmp")) return 0;
    return static_cast<std::size_t>(std::distance(
        fs::directory_iterator(dir_ / "store" / "ns" / "tmp"), fs::directory_iterator()));
  }

  const fs::path dir_ =
      fs::path(testing::TempDir()) /
      (std::string("store_") + testing::UnitTest::GetInstance()->current_test_info()->name());
  Store store_{dir_ / "store"};
};

TEST_F(StoreTest, GivesAFileBackReadOnly) {
  auto ref = store_.Put("ns", dir_ / "in" / "a.csv");
  ASSERT_TRUE(ref) << ref.error().message;
  EXPECT_EQ(ref->digest, "sha256:" + Sha256Hex("1,2\n"));
  EXPECT_EQ(ref->bytes, 4u);
  EXPECT_FALSE(ref->folder);
  EXPECT_TRUE(store_.Exists("ns", *ref).value());
  ASSERT_TRUE(store_.Get("ns", *ref, dir_ / "out" / "a"));
  EXPECT_EQ(ReadFile(dir_ / "out" / "a").value(), "1,2\n");
  struct stat blob {};
  struct stat copy {};
  ASSERT_EQ(::stat(store_.BlobPath("ns", ref->digest)->c_str(), &blob), 0);
  ASSERT_EQ(::stat((dir_ / "out" / "a").c_str(), &copy), 0);
  EXPECT_EQ(copy.st_mode & 0777, 0444u);
  EXPECT_NE(blob.st_ino, copy.st_ino) << "a child could write through a link into the store";
  EXPECT_EQ(Leftovers(), 0u);
}

TEST_F(StoreTest, GivesAFolderBackWithItsExecutables) {
  auto ref = store_.Put("ns", dir_ / "in");
  ASSERT_TRUE(ref) << ref.error().message;
  EXPECT_TRUE(ref->folder);
  ASSERT_TRUE(store_.Get("ns", *ref, dir_ / "out"));
  EXPECT_EQ(ReadFile(dir_ / "out" / "sub" / "run.sh").value(), "#!/bin/sh\n");
  struct stat st {};
  ASSERT_EQ(::stat((dir_ / "out" / "sub" / "run.sh").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777, 0555u);
  EXPECT_EQ(store_.Put("ns", dir_ / "out")->digest, ref->digest) << "equal folders, equal names";
}

TEST_F(StoreTest, FindsOutWhatADigestStandsFor) {
  for (const fs::path& path : {dir_ / "in", dir_ / "in" / "a.csv"}) {
    const auto ref = store_.Put("ns", path).value();
    EXPECT_EQ(store_.Find("ns", ref.digest).value(), ref);
    EXPECT_EQ(store_.Find("other", ref.digest).error().kind, ErrorKind::kNotFound);
  }
  std::ofstream(dir_ / "in" / "a.csv") << "{\"files\":[]}";  // looks like a manifest and is none
  const auto ref = store_.Put("ns", dir_ / "in" / "a.csv").value();
  EXPECT_EQ(store_.Find("ns", ref.digest).value(), ref);
}

TEST_F(StoreTest, StoresAnEmptyFileAndAnEmptyFolder) {
  std::ofstream(dir_ / "empty");
  fs::create_directory(dir_ / "none");
  auto file = store_.Put("ns", dir_ / "empty");
  auto folder = store_.Put("ns", dir_ / "none");
  ASSERT_TRUE(file && folder);
  ASSERT_TRUE(store_.Get("ns", *file, dir_ / "o1"));
  ASSERT_TRUE(store_.Get("ns", *folder, dir_ / "o2"));
  EXPECT_TRUE(fs::is_directory(dir_ / "o2"));
}

TEST_F(StoreTest, NamesWhatIsNoRegularFile) {
  ASSERT_EQ(::mkfifo((dir_ / "in" / "sub" / "pipe").c_str(), 0600), 0);
  auto ref = store_.Put("ns", dir_ / "in");
  ASSERT_FALSE(ref);
  EXPECT_NE(ref.error().message.find("sub/pipe is a pipe"), std::string::npos);
  fs::create_symlink("a.csv", dir_ / "in" / "link");
  auto link = store_.Put("ns", dir_ / "in" / "link");
  ASSERT_FALSE(link);
  EXPECT_EQ(link.error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(store_.Put("ns", dir_ / "absent").error().kind, ErrorKind::kNotFound);
}

TEST_F(StoreTest, DetectsAFlippedBitAndFreesTheNameForRepair) {
  auto ref = store_.Put("ns", dir_ / "in" / "a.csv");
  ASSERT_TRUE(ref);
  Damage(ref->digest);
  auto got = store_.Get("ns", *ref, dir_ / "out");
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, ErrorKind::kDamaged);
  EXPECT_FALSE(fs::exists(dir_ / "out"));
  EXPECT_FALSE(store_.Exists("ns", *ref).value());
  ASSERT_TRUE(store_.Put("ns", dir_ / "in" / "a.csv"));
  EXPECT_TRUE(store_.Get("ns", *ref, dir_ / "out"));
}

TEST_F(StoreTest, DetectsAFlippedBitInAFoldersFileAndInItsManifest) {
  auto ref = store_.Put("ns", dir_ / "in");
  ASSERT_TRUE(ref);
  Damage("sha256:" + Sha256Hex("1,2\n"));
  auto got = store_.Get("ns", *ref, dir_ / "out");
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, ErrorKind::kDamaged);
  EXPECT_FALSE(fs::exists(dir_ / "out"));
  ASSERT_TRUE(store_.Put("ns", dir_ / "in"));
  Damage(ref->digest);
  // Where the bit makes another text of it, or none.
  const auto damaged = store_.Exists("ns", *ref);
  EXPECT_FALSE(damaged && *damaged);
  EXPECT_TRUE(damaged || damaged.error().kind == ErrorKind::kInvalid);
  got = store_.Get("ns", *ref, dir_ / "out");
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, ErrorKind::kDamaged);
}

TEST_F(StoreTest, DetectsDamageInOneBlockOfALargeFile) {
  std::ofstream(dir_ / "in" / "big") << std::string(kBlockBytes * 2 + 5, 'b');
  auto ref = store_.Put("ns", dir_ / "in");
  ASSERT_TRUE(ref);
  ASSERT_TRUE(store_.Get("ns", *ref, dir_ / "good"));
  Damage("sha256:" + DigestFile(dir_ / "in" / "big")->sha256);
  auto got = store_.Get("ns", *ref, dir_ / "out");
  ASSERT_FALSE(got);
  EXPECT_NE(got.error().message.find("block 1"), std::string::npos) << got.error().message;
}

TEST_F(StoreTest, RefusesAHostileManifest) {
  const std::string hostile =
      Json{{"version", 1},
           {"files", {{{"path", "../../escape"}, {"size", 4}, {"sha256", Sha256Hex("1,2\n")}}}}}
          .dump();
  auto writer = NewFileBlob(dir_ / "store" / "ns", {});
  ASSERT_TRUE(writer);
  ASSERT_TRUE((*writer)->Write(hostile));
  auto digest = (*writer)->Commit("");
  ASSERT_TRUE(digest);
  auto got = store_.Get("ns", {*digest, true, 4}, dir_ / "a" / "b" / "out");
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, ErrorKind::kInvalid);
  EXPECT_FALSE(fs::exists(dir_ / "a" / "escape"));
  EXPECT_FALSE(fs::exists(dir_ / "a" / "b" / "out"));
}

TEST_F(StoreTest, IgnoresAndRemovesWhatACrashedWriterLeft) {
  ASSERT_TRUE(store_.Put("ns", dir_ / "in" / "a.csv"));
  const fs::path left = dir_ / "store" / "ns" / "tmp" / "crashed";
  std::ofstream(left) << "half";
  EXPECT_EQ(store_.BlobPath("ns", "sha256:" + Sha256Hex("half")).error().kind,
            ErrorKind::kNotFound);
  EXPECT_EQ(store_.RemoveLeftovers(std::chrono::hours(1)).value(), 0);
  fs::last_write_time(left, fs::file_time_type::clock::now() - std::chrono::hours(2));
  EXPECT_EQ(store_.RemoveLeftovers(std::chrono::hours(1)).value(), 1);
  EXPECT_FALSE(fs::exists(left));
}

TEST_F(StoreTest, RemovesWhatKilledWritersLeftBesideMetricsAndLogs) {
  ASSERT_TRUE(store_.PutMetrics("ns", "uid-1", "pod-1", "{}"));
  for (const char* folder : {"metrics", "logs"}) {
    const fs::path left = dir_ / "store" / "ns" / folder / "uid-1" / "pod-2.tmp-0123456789abcdef";
    fs::create_directories(left.parent_path());
    std::ofstream(left) << "half";
    fs::last_write_time(left, fs::file_time_type::clock::now() - std::chrono::hours(2));
  }
  EXPECT_EQ(store_.RemoveLeftovers(std::chrono::hours(1)).value(), 2);
  EXPECT_TRUE(store_.GetMetrics("ns", "uid-1", "pod-1")) << "whole ones stay";
}

TEST_F(StoreTest, RemovesAReadOnlyFolderThatAKilledFetchLeft) {
  const fs::path left = dir_ / "store" / "ns" / "tmp" / "code-abcdef";
  fs::create_directories(left / "tree" / "sub");
  std::ofstream(left / "tree" / "sub" / "file") << "x";
  ASSERT_TRUE(MakeReadOnly(left));
  fs::last_write_time(left, fs::file_time_type::clock::now() - std::chrono::hours(2));
  const auto removed = store_.RemoveLeftovers(std::chrono::hours(1));
  ASSERT_TRUE(removed) << removed.error().message;
  EXPECT_EQ(*removed, 1);
  EXPECT_FALSE(fs::exists(left));
}

constexpr std::uint64_t kGiB = 1ULL << 30;

TEST_F(StoreTest, AFullVolumeRefusesArtifactsByNameAndStillTakesWhatIsSmall) {
  VolumeSpace space{.size = 10 * kGiB, .free = 5 * kGiB, .files = 0, .free_files = 0};
  const Store store(dir_ / "store", Room([&] { return Result<VolumeSpace>(space); }));
  const auto before = store.Put("ns", dir_ / "in");
  ASSERT_TRUE(before) << before.error().message;
  space.free = kGiB / 20;
  for (const auto& refused : {store.Put("ns", dir_ / "in").error(),
                              NewFileBlob(dir_ / "store" / "ns", store.room()).error(),
                              store.HasRoomFor("ns", 0).error()}) {
    EXPECT_EQ(refused.kind, ErrorKind::kNoSpace);
    EXPECT_NE(refused.message.find("the artifact store's volume is full: 51 MiB of 10240 MiB"),
              std::string::npos)
        << refused.message;
  }
  Receipt receipt;
  receipt.run_uid = "uid-1";
  receipt.pod = "pod-1";
  EXPECT_TRUE(store.PutReceipt("ns", receipt));
  EXPECT_TRUE(store.PutCacheEntry("ns", std::string(64, 'a'), receipt));
  EXPECT_TRUE(store.Get("ns", *before, dir_ / "out"));
}

TEST_F(StoreTest, AVolumeThatFillsUpWhileABlobComesInEndsItWithoutALeftover) {
  VolumeSpace space{.size = 10 * kGiB, .free = 5 * kGiB, .files = 0, .free_files = 0};
  const Store store(dir_ / "store", Room([&] { return Result<VolumeSpace>(space); }));
  {
    auto writer = NewFileBlob(dir_ / "store" / "ns", store.room());
    ASSERT_TRUE(writer);
    const std::string piece(1 << 20, 'x');
    ASSERT_TRUE((*writer)->Write(piece));
    space.free = 0;
    const auto written = (*writer)->Write(piece);
    ASSERT_FALSE(written) << "a MiB went into the reserve";
    EXPECT_EQ(written.error().kind, ErrorKind::kNoSpace);
  }
  EXPECT_EQ(Leftovers(), 0u);
}

TEST_F(StoreTest, AKilledWriterLeavesNoBlob) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto writer = NewFileBlob(dir_ / "store" / "ns", {});
    if (writer && (*writer)->Write("half")) ::raise(SIGKILL);
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(Leftovers(), 1u);
  EXPECT_FALSE(store_.BlobPath("ns", "sha256:" + Sha256Hex("half")));
}

TEST_F(StoreTest, AWriterDroppedOrWithTheWrongDigestLeavesNothing) {
  {
    auto writer = NewFileBlob(dir_ / "store" / "ns", {});
    ASSERT_TRUE(writer);
    ASSERT_TRUE((*writer)->Write("x"));
    auto done = (*writer)->Commit("sha256:" + Sha256Hex("y"));
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().kind, ErrorKind::kDamaged);
  }
  EXPECT_EQ(Leftovers(), 0u);
  EXPECT_FALSE(store_.BlobPath("ns", "sha256:" + Sha256Hex("x")));
}

TEST_F(StoreTest, AFullDiskIsNamedAndLeavesNothing) {
  std::ofstream(dir_ / "big") << std::string(1 << 20, 'x');
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1 << 16, 1 << 16};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    auto ref = store_.Put("ns", dir_ / "big");
    ::_exit(!ref && ref.error().kind == ErrorKind::kNoSpace ? 42 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 42);
  EXPECT_EQ(Leftovers(), 0u);
}

TEST_F(StoreTest, ManyWritersOfOneBlobAgree) {
  std::ofstream(dir_ / "big") << std::string(1 << 20, 'x');
  std::vector<Result<ArtifactRef>> refs(8, Result<ArtifactRef>(NotFound("not run")));
  {
    std::vector<std::jthread> threads;
    for (auto& ref : refs) threads.emplace_back([&] { ref = store_.Put("ns", dir_ / "big"); });
  }
  for (auto& ref : refs) {
    ASSERT_TRUE(ref) << ref.error().message;
    EXPECT_EQ(ref->digest, refs[0]->digest);
  }
  EXPECT_TRUE(store_.Verify("ns", refs[0]->digest).value());
  EXPECT_EQ(Leftovers(), 0u);
}

TEST_F(StoreTest, HoldsAFolderOfTenThousandFiles) {
  for (int i = 0; i < 10'000; ++i) {
    const fs::path file = dir_ / "many" / std::to_string(i % 100) / std::to_string(i);
    if (i < 100) fs::create_directories(file.parent_path());
    std::ofstream(file) << i;
  }
  auto ref = store_.Put("ns", dir_ / "many");
  ASSERT_TRUE(ref) << ref.error().message;
  EXPECT_TRUE(store_.Exists("ns", *ref).value());
  ASSERT_TRUE(store_.Get("ns", *ref, dir_ / "out"));
  EXPECT_EQ(ListTree(dir_ / "out")->size(), 10'000u);
  EXPECT_EQ(ReadFile(dir_ / "out" / "99" / "9999").value(), "9999");
}

TEST_F(StoreTest, ABlobThatIsNamedAsAFolderAndIsNoneIsRefusedByName) {
  auto ref = store_.Put("ns", dir_ / "in" / "a.csv");
  ASSERT_TRUE(ref);
  ref->folder = true;
  const auto there = store_.Exists("ns", *ref);
  ASSERT_FALSE(there);
  EXPECT_EQ(there.error().kind, ErrorKind::kInvalid);
  EXPECT_NE(there.error().message.find(ref->digest), std::string::npos);
}

TEST_F(StoreTest, AFolderThatWasWholeIsNotLookedAtAgainUntilSomethingIsDamaged) {
  auto ref = store_.Put("ns", dir_ / "in");
  ASSERT_TRUE(ref);
  ASSERT_TRUE(store_.Exists("ns", *ref).value());
  fs::remove(store_.BlobPath("ns", "sha256:" + Sha256Hex("1,2\n")).value());
  EXPECT_TRUE(store_.Exists("ns", *ref).value()) << "it was looked at again";
  EXPECT_FALSE(store_.Exists("other", *ref).value());
  const std::string script = "sha256:" + Sha256Hex("#!/bin/sh\n");
  Damage(script);
  EXPECT_FALSE(store_.Verify("ns", script).value());
  EXPECT_FALSE(store_.Exists("ns", *ref).value());
}

TEST_F(StoreTest, KeepsNamespacesApart) {
  auto ref = store_.Put("ns", dir_ / "in" / "a.csv");
  ASSERT_TRUE(ref);
  EXPECT_FALSE(store_.Exists("other", *ref).value());
  EXPECT_EQ(store_.Get("other", *ref, dir_ / "out").error().kind, ErrorKind::kNotFound);
  for (const char* ns : {"", "..", "a/b", ".hidden", "A"})
    EXPECT_EQ(store_.BlobPath(ns, ref->digest).error().kind, ErrorKind::kInvalid) << ns;
}

TEST_F(StoreTest, RefusesATargetThatExists) {
  auto ref = store_.Put("ns", dir_ / "in" / "a.csv");
  ASSERT_TRUE(ref);
  auto got = store_.Get("ns", *ref, dir_ / "in" / "a.csv");
  ASSERT_FALSE(got);
  EXPECT_EQ(ReadFile(dir_ / "in" / "a.csv").value(), "1,2\n") << "what stood there was touched";
}

TEST_F(StoreTest, KeepsReceiptsAndCacheEntries) {
  Receipt r;
  r.run_uid = "1b2c-3";
  r.pod = "run-step-0-1-abcdef01";
  r.step = "train";
  r.outputs = {{"model", "model", {"sha256:" + std::string(64, 'a'), true, 7}}};
  ASSERT_TRUE(store_.PutReceipt("ns", r));
  auto back = store_.GetReceipt("ns", r.run_uid, r.pod);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(Json(*back), Json(r));
  EXPECT_EQ(store_.GetReceipt("ns", r.run_uid, "absent").error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(store_.GetReceipt("ns", "../x", r.pod).error().kind, ErrorKind::kInvalid);

  const std::string key(64, 'b');
  EXPECT_EQ(store_.GetCacheEntry("ns", key).error().kind, ErrorKind::kNotFound);
  ASSERT_TRUE(store_.PutCacheEntry("ns", key, r));
  EXPECT_EQ(store_.GetCacheEntry("ns", "sha256:" + key)->outputs[0].name, "model");
  ASSERT_TRUE(store_.DropCacheEntry("ns", key));
  EXPECT_EQ(store_.GetCacheEntry("ns", key).error().kind, ErrorKind::kNotFound);
  EXPECT_TRUE(store_.DropCacheEntry("ns", key));
}

}  // namespace
}  // namespace penstock::artifacts
