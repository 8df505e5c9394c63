#include "operator/artifacts/manifest_reader.h"

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "operator/artifacts/store.h"
#include "operator/base/sha256.h"

namespace penstock::artifacts {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

const std::string kHex(64, 'a');

class ManifestReader : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "penstock-manifest-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path Write(const std::string& text) const {
    std::ofstream(folder_ / "manifest") << text;
    return folder_ / "manifest";
  }
  std::string ErrorOf(const std::string& text) const {
    const auto read = ReadManifestFile(Write(text), Nothing);
    const auto also = ParseManifest(text);
    EXPECT_EQ(read.has_value(), also.has_value()) << text.substr(0, 80);
    if (!read && !also) {
      EXPECT_EQ(read.error().message, also.error().message);
    }
    return read ? "" : read.error().message;
  }
  static Result<void> Nothing(ManifestFile&&) { return {}; }

  fs::path folder_;
};

TEST_F(ManifestReader, GivesTheFilesInTheirOrderAndTheDigestOfTheText) {
  Manifest m;
  m.files = {{"a", 3, kHex, true, {}},
             {"b/\"\\\xc3\xa4.csv", kBlockBytes + 1, kHex, false, {kHex, kHex}}};
  const std::string text = FormatManifest(m);
  std::string paths;
  const auto read = ReadManifestFile(Write(text), [&](ManifestFile&& f) -> Result<void> {
    paths += f.path + (f.executable ? "* " : " ");
    return {};
  });
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(paths, "a* b/\"\\\xc3\xa4.csv ");
  EXPECT_EQ(read->files, 2u);
  EXPECT_EQ(read->bytes, kBlockBytes + 4);
  EXPECT_EQ(read->digest, "sha256:" + Sha256Hex(text));
}

TEST_F(ManifestReader, KnowsAFileThatIsAFolderHoweverManyStandBetween) {
  const auto text = [](const std::vector<std::string>& paths) {
    Manifest m;
    for (const auto& path : paths) m.files.push_back({path, 1, kHex, false, {}});
    return FormatManifest(m);
  };
  EXPECT_THAT(ErrorOf(text({"a", "a!", "a!b", "a!c/d", "a-b", "a/b"})), HasSubstr("'a' as a file"));
  EXPECT_THAT(ErrorOf(text({"x/a", "x/a-b/c", "x/a-b/d", "x/a/e/f"})),
              HasSubstr("'x/a' as a file"));
  EXPECT_EQ(ErrorOf(text({"a", "a-b", "a-b.c", "ab", "ab.d/e", "b/a", "b/a.b"})), "");
  EXPECT_THAT(ErrorOf(text({"a/b", "a/b/c"})), HasSubstr("a file and a folder"));
}

TEST_F(ManifestReader, PassesOverFieldsThatItDoesNotKnow) {
  const std::string file =
      R"({"path":"a","sha256":")" + kHex + R"(","size":1,"later":[{"path":2},[]]})";
  EXPECT_EQ(ErrorOf(R"({"also":{"files":[1]},"files":[)" + file + R"(],"version":1})"), "");
  EXPECT_THAT(ErrorOf(R"({"files":[)" + file + R"(],"files":[],"version":1})"), HasSubstr("files"));
  EXPECT_THAT(ErrorOf(R"({"version":1,"also":)" + std::string(300, '[')), HasSubstr("deeper"));
}

TEST_F(ManifestReader, NamesWhatIsNoManifestWithoutReadingItAll) {
  EXPECT_THAT(ErrorOf("id,price\n1,2\n"), HasSubstr("not JSON"));
  EXPECT_THAT(ErrorOf(R"({"version":1,"files":[]} x)"), HasSubstr("not JSON"));
  EXPECT_THAT(ErrorOf(R"({"files":[{"path":")" + std::string(200'000, 'x')),
              HasSubstr("more than 32 KiB"));
  EXPECT_THAT(ErrorOf(R"({"files":[{"size":)" + std::string(200'000, '1')),
              HasSubstr("more than 32 KiB"));
  // 500 MiB that cost no room on the disk: it is over at the first byte.
  fs::resize_file(Write("a blob"), 500 << 20);
  const auto sparse = ReadManifestFile(folder_ / "manifest", Nothing);
  ASSERT_FALSE(sparse);
  EXPECT_EQ(sparse.error().kind, ErrorKind::kInvalid);
  fs::resize_file(folder_ / "manifest", (512UL << 20) + 1);
  EXPECT_THAT(ReadManifestFile(folder_ / "manifest", Nothing).error().message,
              HasSubstr("over 512 MiB"));
}

TEST_F(ManifestReader, LooksAtTheBeginningOfALongOne) {
  Manifest m;
  for (int i = 0; i < 2'000; ++i)
    m.files.push_back({"f" + std::to_string(10'000 + i), 1, kHex, false, {}});
  const std::string text = FormatManifest(m);
  ASSERT_GT(text.size(), 100'000u);
  EXPECT_TRUE(CheckManifestHead(Write(text)));
  EXPECT_TRUE(CheckManifestHead(Write(text.substr(0, 90'000) + "\x01 broken")))
      << "what lies behind is not looked at";
  EXPECT_FALSE(CheckManifestHead(Write(text.substr(0, 60'000) + "\x01 broken" + text)));
  EXPECT_FALSE(CheckManifestHead(Write(text.substr(0, 50'000)))) << "a short one must be whole";
  EXPECT_FALSE(CheckManifestHead(Write("PAR1" + std::string(100'000, '\0'))));
}

// The kilobytes that looking takes in a process of its own, above what it began with.
long PeakKilobytes(const std::function<bool()>& look) {
  int pipe[2];
  EXPECT_EQ(::pipe(pipe), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    rusage before{};
    ::getrusage(RUSAGE_SELF, &before);
    const bool good = look();
    rusage after{};
    ::getrusage(RUSAGE_SELF, &after);
    const long grown = good ? after.ru_maxrss - before.ru_maxrss : -1;
    const bool told = ::write(pipe[1], &grown, sizeof grown) == sizeof grown;
    ::_exit(told ? 0 : 1);
  }
  long grown = -1;
  EXPECT_EQ(::read(pipe[0], &grown, sizeof grown), static_cast<ssize_t>(sizeof grown));
  int status = 0;
  ::waitpid(child, &status, 0);
  ::close(pipe[0]);
  ::close(pipe[1]);
  return grown;
}

// A sanitizer's memory is its own.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PENSTOCK_MEMORY_TEST(name) DISABLED_##name
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define PENSTOCK_MEMORY_TEST(name) DISABLED_##name
#endif
#endif
#ifndef PENSTOCK_MEMORY_TEST
#define PENSTOCK_MEMORY_TEST(name) name
#endif

TEST_F(ManifestReader, PENSTOCK_MEMORY_TEST(AFolderOfAMillionFilesTakesUnder32MiBToLookAt)) {
  const Store store(folder_);
  const fs::path staged = folder_ / "manifest";
  std::FILE* out = std::fopen(staged.c_str(), "w");
  ASSERT_NE(out, nullptr);
  Sha256 hasher;
  const auto put = [&](const std::string& text) {
    hasher.Update(text);
    ASSERT_EQ(std::fwrite(text.data(), 1, text.size(), out), text.size());
  };
  const std::string content = Sha256Hex("x");
  put("{\"files\":[");
  char path[64];
  for (int i = 0; i < 1'000'000; ++i) {
    std::snprintf(path, sizeof path, "images/%03d/%06d.jpeg", i / 1000, i);
    put((i == 0 ? "{\"path\":\"" : ",{\"path\":\"") + std::string(path) + "\",\"sha256\":\"" +
        content + "\",\"size\":1}");
  }
  put("],\"version\":1}");
  ASSERT_EQ(std::fclose(out), 0);
  const std::string hex = hasher.HexDigest();
  for (const auto& [from, name] : {std::pair{staged, hex}, std::pair{folder_ / "x", content}}) {
    if (name == content) std::ofstream(from) << "x";
    const fs::path to = folder_ / "ns" / "blobs" / name.substr(0, 2) / name;
    fs::create_directories(to.parent_path());
    fs::rename(from, to);
  }
  const ArtifactRef folder{"sha256:" + hex, true, 1'000'000};
  const long grown = PeakKilobytes([&] {
    const auto there = store.Exists("ns", folder);
    return there && *there;
  });
  EXPECT_GE(grown, 0) << "the folder was not found whole";
  EXPECT_LT(grown, 32 * 1024);
}

}  // namespace
}  // namespace penstock::artifacts
