#include "operator/fetch/spans.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <map>
#include <mutex>

#include "operator/base/file.h"

namespace penstock::fetch {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// A store in memory, whose pages are of two objects.
class MemoryStore : public SourceStore {
 public:
  struct Held {
    std::string bytes;
    std::string etag;
  };
  std::map<std::string, Held> objects;
  std::vector<std::string> asked;  // prefixes, once a page
  std::size_t page = 2;
  bool of_folders = false;
  std::function<void()> after_list = [] {};

  void Set(const std::string& key, const std::string& bytes) {
    objects[key] = {bytes, '"' + bytes + '"'};
  }
  [[nodiscard]] std::string Name(const std::string& key) const override { return "mem://" + key; }
  [[nodiscard]] Result<SourceObject> Get(const std::string& key, const std::string& etag,
                                         const Sink& sink, std::stop_token /*stop*/) override {
    const std::lock_guard lock(mutex_);
    const auto found = objects.find(key);
    if (found == objects.end()) return NotFound(key);
    if (!etag.empty() && etag != found->second.etag) return Transient(key + ": changed");
    if (auto took = sink(found->second.bytes); !took) return took.error();
    return SourceObject{key, found->second.bytes.size(), found->second.etag, ""};
  }
  [[nodiscard]] Result<Page> List(const std::string& prefix, const std::string& token, int /*most*/,
                                  std::stop_token /*stop*/) override {
    asked.push_back(prefix);
    if (of_folders && objects.lower_bound(prefix) == objects.end()) return NotFound(prefix);
    Page out;
    for (auto at = token.empty() ? objects.lower_bound(prefix) : objects.upper_bound(token);
         at != objects.end() && at->first.starts_with(prefix); ++at) {
      if (out.objects.size() == page) {
        out.next = out.objects.back().key;
        break;
      }
      out.objects.push_back({at->first, at->second.bytes.size(), at->second.etag, ""});
    }
    after_list();
    return out;
  }
  [[nodiscard]] std::string ListedBy(const std::string& prefix) const override {
    return of_folders ? prefix.substr(0, prefix.rfind('/') + 1) : prefix;
  }

 private:
  std::mutex mutex_;
};

class Spans : public testing::Test {
 protected:
  Spans() {
    std::string folder = "/tmp/penstock-spans-XXXXXX";
    folder_ = ::mkdtemp(folder.data());
  }
  ~Spans() override { fs::remove_all(folder_); }

  Result<ReadSpans> Fetch(const std::string& uri) {
    fs::remove_all(folder_ / "got");
    const auto parsed = ParseSpanUri(uri);
    if (!parsed) return parsed.error();
    return FetchSpans(store_, *parsed, *ParseTime("2026-01-08T12:00:00Z"), folder_ / "got",
                      settings_);
  }
  // "2026-01-07: key=size key=size; ...", or the error.
  std::string Told(const std::string& uri) {
    const auto read = Fetch(uri);
    if (!read) return read.error().message;
    std::string out;
    for (const auto& span : read->spans) {
      out += (out.empty() ? "" : "; ") + span.name + ":";
      for (const auto& object : span.objects)
        out += " " + object.key + "=" + std::to_string(object.size);
    }
    return out;
  }
  std::string Got(const std::string& name) {
    const auto text = ReadFile(folder_ / "got" / name);
    return text ? *text : "none";
  }

  MemoryStore store_;
  SourceSettings settings_;
  fs::path folder_;
};

constexpr const char* kDays = "s3://lake/o/{YYYY}/{MM}/{DD}/?window=3d";

TEST_F(Spans, AreAFolderOfTheWindowsObjectsAndOfNoOthers) {
  store_.Set("o/2026/01/04/a", "old");
  for (const char* day : {"05", "06", "07", "08"})
    for (const char* name : {"/a", "/b", "/deep/c"})
      store_.Set(std::string("o/2026/01/") + day + name, std::string(day) + name);
  store_.Set("o/2026/01/070/a", "another");
  EXPECT_EQ(Told(kDays),
            "2026-01-05: o/2026/01/05/a=4 o/2026/01/05/b=4 o/2026/01/05/deep/c=9; "
            "2026-01-06: o/2026/01/06/a=4 o/2026/01/06/b=4 o/2026/01/06/deep/c=9; "
            "2026-01-07: o/2026/01/07/a=4 o/2026/01/07/b=4 o/2026/01/07/deep/c=9");
  EXPECT_EQ(Got("2026/01/07/deep/c"), "07/deep/c");
  EXPECT_EQ(std::distance(fs::recursive_directory_iterator(folder_ / "got"),
                          fs::recursive_directory_iterator()),
            9 + 3 + 3 + 2);
  // Two pages a day, each of one day: never of all that is there.
  EXPECT_THAT(store_.asked, ElementsAre("o/2026/01/05/", "o/2026/01/05/", "o/2026/01/06/",
                                        "o/2026/01/06/", "o/2026/01/07/", "o/2026/01/07/"));
}

TEST_F(Spans, AreListedOnceWhereSeveralHaveOnePrefix) {
  for (const char* place : {"kr", "us"})
    for (const char* day : {"06", "07"})
      store_.Set(std::string("o/") + place + "/202601" + day + ".csv", place);
  EXPECT_EQ(Told("s3://lake/o/*/{YYYY}{MM}{DD}.csv?window=2d"),
            "2026-01-06: o/kr/20260106.csv=2 o/us/20260106.csv=2; "
            "2026-01-07: o/kr/20260107.csv=2 o/us/20260107.csv=2");
  EXPECT_THAT(store_.asked, ElementsAre("o/", "o/"));
  store_.asked.clear();
  store_.of_folders = true;
  store_.Set("p/20260106.csv", "1");
  store_.Set("p/20260107.csv", "2");
  EXPECT_EQ(Told("webhdfs:///p/{YYYY}{MM}{DD}.csv?window=2d"),
            "2026-01-06: p/20260106.csv=1; 2026-01-07: p/20260107.csv=1");
  EXPECT_THAT(store_.asked, ElementsAre("p/"));
}

TEST_F(Spans, AGapIsRefusedByNameOrAllowed) {
  store_.Set("o/2026/01/05/a", "1");
  store_.Set("o/2026/01/07/a", "3");
  EXPECT_THAT(Told(kDays), HasSubstr("mem://o/2026/01/06/: 1 of the 3 spans of the window, "
                                     "2026-01-05 to 2026-01-07, has no object: 2026-01-06; run"));
  EXPECT_FALSE(fs::exists(folder_ / "got"));
  EXPECT_EQ(Told(std::string(kDays) + "&gaps=allow"),
            "2026-01-05: o/2026/01/05/a=1; 2026-01-06:; 2026-01-07: o/2026/01/07/a=1");
  store_.objects.clear();
  EXPECT_THAT(Told(std::string(kDays) + "&gaps=allow"), HasSubstr("no span of the window"));
  store_.of_folders = true;
  EXPECT_THAT(Told(kDays), HasSubstr("no span of the window"));
}

TEST_F(Spans, AFileThatComesLateOrChangesIsAnotherFingerprintAndNothingElseIs) {
  for (const char* day : {"05", "06", "07"})
    store_.Set(std::string("o/2026/01/") + day + "/a", day);
  const auto first = Fetch(kDays);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_THAT(first->fingerprint, HasSubstr("objects:"));
  store_.Set("o/2026/01/08/a", "today");
  store_.Set("o/2026/01/04/late", "before the window");
  EXPECT_EQ(Fetch(kDays)->fingerprint, first->fingerprint);
  store_.Set("o/2026/01/05/late", "late");
  const auto late = Fetch(kDays);
  EXPECT_NE(late->fingerprint, first->fingerprint);
  store_.objects.erase("o/2026/01/05/late");
  EXPECT_EQ(Fetch(kDays)->fingerprint, first->fingerprint);
  store_.Set("o/2026/01/06/a", "60");
  EXPECT_NE(Fetch(kDays)->fingerprint, first->fingerprint);
  // Without what tells two contents apart there is none.
  store_.objects["o/2026/01/06/a"].etag = "";
  EXPECT_EQ(Fetch(kDays)->fingerprint, "");
}

TEST_F(Spans, AnObjectThatChangedSinceItWasListedIsAnError) {
  store_.Set("o/2026/01/07/a", "1");
  store_.after_list = [&] { store_.Set("o/2026/01/07/a", "2"); };
  EXPECT_THAT(Told("s3://lake/o/{YYYY}/{MM}/{DD}/?window=1d"), HasSubstr("changed"));
}

TEST_F(Spans, WhatWritersHideIsNoDataOfATableAndAFileOfAFolder) {
  store_.Set("o/2026/01/07/_SUCCESS", "");
  store_.Set("o/2026/01/07/_temporary/0/a", "half");
  const std::string uri = "s3://lake/o/{YYYY}/{MM}/{DD}/?window=1d";
  EXPECT_EQ(Told(uri), "2026-01-07: o/2026/01/07/_SUCCESS=0 o/2026/01/07/_temporary/0/a=4");
  settings_.flat = true;
  EXPECT_THAT(Told(uri), HasSubstr("no span of the window"));
  store_.Set("o/2026/01/07/deep/a", "1");
  EXPECT_EQ(Told(uri), "2026-01-07: o/2026/01/07/deep/a=1");
}

TEST_F(Spans, OfDeltaTablesAreNotReadWithTheFilesOfTheirPast) {
  store_.Set("o/2026/01/07/a.parquet", "1");
  store_.Set("o/2026/01/07/_delta_log/00000000000000000000.json", "{}");
  settings_.flat = true;
  EXPECT_THAT(Told("s3://lake/o/{YYYY}/{MM}/{DD}/?window=1d"), HasSubstr("is of a Delta table"));
}

TEST_F(Spans, OfAZoneThatTheMachineDoesNotKnowSayWhatToDo) {
  EXPECT_THAT(Told("s3://lake/o/{YYYY}/{MM}/{DD}/?window=1d&zone=Mars/Utopia"),
              HasSubstr("'Mars/Utopia' is not in"));
  EXPECT_TRUE(store_.asked.empty());
}

TEST_F(Spans, AreBounded) {
  store_.Set("o/2026/01/07/a", "12345");
  store_.Set("o/2026/01/07/b", "12345");
  const std::string uri = "s3://lake/o/{YYYY}/{MM}/{DD}/?window=1d";
  settings_.max_bytes = 9;
  EXPECT_THAT(Told(uri), HasSubstr("more than maxBytes, 9"));
  settings_.max_bytes = 10;
  EXPECT_THAT(Told(uri), Not(HasSubstr("maxBytes")));
  settings_.list_deadline = std::chrono::milliseconds(-1);
  store_.page = 1;
  EXPECT_THAT(Told(uri), HasSubstr("no end within"));
  settings_.list_deadline = std::chrono::milliseconds(600'000);
  store_.page = 200'000;
  for (std::size_t i = 0; i <= kMostObjects; ++i)
    store_.Set("o/2026/01/07/" + std::to_string(i), "");
  EXPECT_THAT(Told(uri), HasSubstr("more than 100000 objects; make the window smaller"));
}

TEST_F(Spans, AKeyThatCannotBeAFilesNameIsRefused) {
  store_.Set("o/2026/01/07/../a", "1");
  EXPECT_THAT(Told("s3://lake/o/{YYYY}/{MM}/{DD}/?window=1d"),
              HasSubstr("its key cannot be the name of a file"));
  EXPECT_FALSE(fs::exists(folder_ / "got"));
}

}  // namespace
}  // namespace penstock::fetch
