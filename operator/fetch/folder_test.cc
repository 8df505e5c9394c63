#include "operator/fetch/folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <fstream>

#include "operator/base/file.h"
#include "operator/base/sha256.h"
#include "operator/fetch/spans.h"

namespace penstock::fetch {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class Folder : public testing::Test {
 protected:
  Folder() {
    std::string folder = "/tmp/penstock-folder-XXXXXX";
    base_ = ::mkdtemp(folder.data());
    data_ = base_ / "data";
    fs::create_directories(data_);
  }
  ~Folder() override { fs::remove_all(base_); }

  void Write(const std::string& name, const std::string& bytes) {
    fs::create_directories((base_ / name).parent_path());
    std::ofstream(base_ / name, std::ios::binary) << bytes;
  }
  void Link(const fs::path& to, const std::string& name) {
    fs::create_directories((base_ / name).parent_path());
    fs::create_symlink(to, base_ / name);
  }
  Result<ReadSpans> Fetch(const std::string& pattern) {
    fs::remove_all(base_ / "got");
    const auto uri = ParseSpanUri("file://" + data_.string() + "/" + pattern);
    if (!uri) return uri.error();
    const auto store = OpenFolder(CommonFolder(*uri));
    return FetchSpans(*store, *uri, *ParseTime("2026-01-08T12:00:00Z"), base_ / "got", settings_);
  }
  // "2026-01-07: a b; ...", the names behind the folder, or the error.
  std::string Told(const std::string& pattern) {
    const auto read = Fetch(pattern);
    if (!read) return read.error().message;
    std::string out;
    for (const auto& span : read->spans) {
      out += (out.empty() ? "" : "; ") + span.name + ":";
      for (const auto& object : span.objects) out += " " + object.key.substr(data_.string().size());
    }
    return out;
  }

  fs::path base_, data_;
  SourceSettings settings_;
};

constexpr const char* kTwo = "{YYYY}/{MM}/{DD}/?window=2d";

TEST_F(Folder, IsReadByDateLikeABucket) {
  for (const char* day : {"05", "06", "07", "08"})
    Write(std::string("data/2026/01/") + day + "/a.csv", day);
  Write("data/2026/01/06/deep/b.csv", "b");
  EXPECT_EQ(Told(kTwo),
            "2026-01-06: 2026/01/06/a.csv 2026/01/06/deep/b.csv; "
            "2026-01-07: 2026/01/07/a.csv");
  EXPECT_EQ(*ReadFile(base_ / "got/2026/01/06/deep/b.csv"), "b");
  EXPECT_THAT(Told("{YYYY}/{MM}/{DD}/?window=4d"),
              HasSubstr("1 of the 4 spans of the window, 2026-01-04 to 2026-01-07"));
  Write("data/flat/20260106.csv", "6");
  Write("data/flat/20260107.csv", "7");
  Write("data/flat/20260107.csv.tmp", "half");
  EXPECT_EQ(Told("flat/{YYYY}{MM}{DD}.csv?window=2d"),
            "2026-01-06: flat/20260106.csv; 2026-01-07: flat/20260107.csv");
  EXPECT_EQ(Told("*/{YYYY}{MM}{DD}.csv?window=1d"), "2026-01-07: flat/20260107.csv");
}

TEST_F(Folder, AFileIsKnownByItsBytesAndNotByWhenItWasCopied) {
  Write("data/2026/01/06/a.csv", "6");
  Write("data/2026/01/07/a.csv", "7");
  const auto first = Fetch(kTwo);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(first->spans[1].objects[0].etag, "\"sha256:" + Sha256Hex("7") + '"');
  fs::last_write_time(data_ / "2026/01/07/a.csv", fs::file_time_type::clock::now());
  EXPECT_EQ(Fetch(kTwo)->fingerprint, first->fingerprint);
  Write("data/2026/01/07/a.csv", "8");
  EXPECT_NE(Fetch(kTwo)->fingerprint, first->fingerprint);
}

TEST_F(Folder, ALinkThatLeadsOutOfItIsNotFollowed) {
  Write("secret/a.csv", "secret");
  Write("data/2026/01/06/a.csv", "6");
  Link(base_ / "secret/a.csv", "data/2026/01/07/a.csv");
  EXPECT_THAT(Told(kTwo), HasSubstr("that leads out of " + data_.string()));
  EXPECT_FALSE(fs::exists(base_ / "got/2026/01/07/a.csv"));
  fs::remove_all(data_ / "2026/01/07");
  Link(base_ / "secret", "data/2026/01/07");
  EXPECT_THAT(Told(kTwo + std::string("&gaps=allow")), HasSubstr("that leads out of"));
  fs::remove(data_ / "2026/01/07");
  Link(base_ / "secret", "data/2026/01/07/deep");
  EXPECT_THAT(Told(kTwo), HasSubstr("that leads out of"));
  // A folder whose name begins like the one that is read is another one.
  Write("data-2/a.csv", "other");
  fs::remove_all(data_ / "2026/01/07");
  Link(base_ / "data-2/a.csv", "data/2026/01/07/a.csv");
  EXPECT_THAT(Told(kTwo), HasSubstr("that leads out of"));
}

TEST_F(Folder, ALinkWithinItIsFollowedAndOneToNothingIsNoGap) {
  Write("data/2026/01/06/a.csv", "6");
  Link("../06/a.csv", "data/2026/01/07/b.csv");
  EXPECT_EQ(Told(kTwo), "2026-01-06: 2026/01/06/a.csv; 2026-01-07: 2026/01/07/b.csv");
  EXPECT_EQ(*ReadFile(base_ / "got/2026/01/07/b.csv"), "6");
  fs::remove(data_ / "2026/01/06/a.csv");
  EXPECT_THAT(Told(kTwo + std::string("&gaps=allow")), HasSubstr("is a link to what is not there"));
  fs::remove(data_ / "2026/01/07/b.csv");
  Link("../..", "data/2026/01/07/back");
  EXPECT_THAT(Told(kTwo), HasSubstr("is a link to a folder"));
  // What it is reached by may be a link: that is what was written.
  fs::remove_all(data_);
  Write("disk/2026/01/06/a.csv", "6");
  Write("disk/2026/01/07/a.csv", "7");
  Link(base_ / "disk", "data");
  EXPECT_EQ(Told(kTwo), "2026-01-06: 2026/01/06/a.csv; 2026-01-07: 2026/01/07/a.csv");
}

TEST_F(Folder, ThatIsNotThereIsNoWindowOfGaps) {
  fs::remove_all(data_);
  EXPECT_THAT(Told(kTwo + std::string("&gaps=allow")),
              HasSubstr(data_.string() + "/: there is no such folder"));
}

TEST_F(Folder, APipeIsNotWaitedFor) {
  Write("data/2026/01/06/a.csv", "6");
  fs::create_directories(data_ / "2026/01/07");
  ASSERT_EQ(::mkfifo((data_ / "2026/01/07/a.csv").c_str(), 0600), 0);
  EXPECT_THAT(Told(kTwo), HasSubstr("is neither a file nor a folder"));
}

TEST_F(Folder, AFileThatIsWrittenBetweenListAndReadingIsAnError) {
  Write("data/2026/01/07/a.csv", "7");
  const auto store = OpenFolder(data_.string().substr(1) + "/");
  const std::string key = data_.string().substr(1) + "/2026/01/07/a.csv";
  const auto listed = store->List(key, "", 10, {});
  ASSERT_TRUE(listed) << listed.error().message;
  ASSERT_EQ(listed->objects.size(), 1U);
  const auto get = [&] {
    return store->Get(key, listed->objects[0].etag, [](auto) { return Result<void>(); }, {});
  };
  EXPECT_TRUE(get());
  Write("data/2026/01/07/a.csv", "longer");
  ASSERT_FALSE(get());
  EXPECT_EQ(get().error().kind, ErrorKind::kTransient);
  EXPECT_THAT(get().error().message, HasSubstr("somebody wrote it while it was read"));
  fs::remove(data_ / "2026/01/07/a.csv");
  EXPECT_EQ(get().error().kind, ErrorKind::kTransient);
}

TEST_F(Folder, AFileThatGrowsWhileItIsReadIsAnError) {
  Write("data/2026/01/07/a.csv", "7");
  const auto store = OpenFolder(data_.string().substr(1) + "/");
  const std::string key = data_.string().substr(1) + "/2026/01/07/a.csv";
  const auto got = store->Get(key, "",
                              [&](auto) {
                                Write("data/2026/01/07/a.csv", "7 and more");
                                return Result<void>();
                              },
                              {});
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, ErrorKind::kTransient);
}

TEST_F(Folder, ANameThatIsNoUtf8IsRefused) {
  Write("data/2026/01/06/a.csv", "6");
  Write("data/2026/01/07/\xE9.csv", "7");
  EXPECT_THAT(Told(kTwo), HasSubstr("its name is not UTF-8"));
}

}  // namespace
}  // namespace penstock::fetch
