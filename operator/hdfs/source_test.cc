// Files of a fake NameNode and a fake DataNode in this process.
#include "operator/hdfs/source.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <optional>

#include "operator/base/file.h"
#include "operator/net/http_server.h"
#include "operator/net/url.h"
#include "operator/remote/source.h"

namespace penstock::hdfs {
namespace {

namespace fs = std::filesystem;

struct FakeFile {
  std::string bytes;
  int time = 1000;
};

class FakeHdfs {
 public:
  FakeHdfs() {
    net::HttpServerOptions options;
    options.address = "127.0.0.1";
    options.keep_alive = false;
    data_ = net::HttpServer::Start(options, [this](net::Exchange& x) { Data(x); }).value();
    name_ = net::HttpServer::Start(options, [this](net::Exchange& x) { Name(x); }).value();
  }
  ~FakeHdfs() {
    name_->Stop();
    data_->Stop();
  }
  [[nodiscard]] std::string authority() const {
    return "127.0.0.1:" + std::to_string(name_->port());
  }
  void Set(const std::string& path, const std::string& bytes, int time = 1000) {
    const std::lock_guard lock(mutex_);
    files_[path] = {bytes, time};
  }
  std::vector<std::string> queries() {
    const std::lock_guard lock(mutex_);
    return queries_;
  }

  std::function<std::optional<std::size_t>(const std::string& path)> cut = {};
  std::atomic<bool> redirects{false};  // as NameNodes before 2.9 do
  std::atomic<int> standby{0};         // so many answers
  std::string refuse = {};             // "status exception"
  std::atomic<bool> echoes{false};     // a refusal tells what was asked
  std::atomic<bool> bare{false};       // the NameNode tells a DataNode without a path
  std::atomic<int> breaks{0};          // so many bodies break behind their last byte
  std::vector<std::string> data_queries() {
    const std::lock_guard lock(mutex_);
    return data_queries_;
  }

 private:
  static std::string At(const std::string& query, const std::string& name) {
    const auto at = ("&" + query).find("&" + name + "=");
    if (at == std::string::npos) return "";
    const auto begin = at + name.size() + 1;
    return *net::UrlDecode(query.substr(begin, query.find('&', begin) - begin));
  }
  void Refuse(net::Exchange& x, int status, const std::string& exception) const {
    const std::string told = echoes ? "asked was " + x.query() : "by the fake";
    x.Respond(
        status, "application/json",
        R"({"RemoteException":{"exception":")" + exception + R"(","message":")" + told + R"("}})");
  }
  static std::string StatusOf(const std::string& name, const FakeFile& file) {
    return R"({"pathSuffix":")" + name + R"(","type":"FILE","length":)" +
           std::to_string(file.bytes.size()) + R"(,"modificationTime":)" +
           std::to_string(file.time) + R"(,"fileId":7})";
  }

  void Name(net::Exchange& x) {
    const std::lock_guard lock(mutex_);
    queries_.push_back(x.query());
    if (standby-- > 0) return Refuse(x, 403, "StandbyException");
    if (!refuse.empty()) return Refuse(x, std::stoi(refuse), refuse.substr(4));
    const std::string path = *net::UrlDecode(x.path().substr(11));  // behind /webhdfs/v1
    const std::string op = At(x.query(), "op");
    const auto found = files_.find(path);
    if (op == "LISTSTATUS") return List(x, path);
    if (found == files_.end()) {
      const bool folder = files_.lower_bound(path + "/") != files_.end() &&
                          files_.lower_bound(path + "/")->first.starts_with(path + "/");
      if (!folder) return Refuse(x, 404, "FileNotFoundException");
      return x.Respond(200, "application/json", R"({"FileStatus":{"type":"DIRECTORY"}})");
    }
    if (op == "GETFILESTATUS") {
      return x.Respond(200, "application/json",
                       R"({"FileStatus":)" + StatusOf("", found->second) + "}");
    }
    const std::string place = "http://127.0.0.1:" + std::to_string(data_->port());
    const std::string where =
        place + (bare ? "/" : x.path() + "?offset=" + At(x.query(), "offset"));
    if (redirects) return x.Respond(307, "text/plain", "", {{"Location", where}});
    x.Respond(200, "application/json", R"({"Location":")" + where + R"("})");
  }

  void List(net::Exchange& x, const std::string& path) {
    const std::string folder = path.ends_with('/') ? path : path + "/";
    std::string out;
    std::string last;
    for (const auto& [name, file] : files_) {
      if (!name.starts_with(folder)) continue;
      const std::string rest = name.substr(folder.size());
      const std::string first = rest.substr(0, rest.find('/'));
      if (first == last) continue;
      last = first;
      out += (out.empty() ? "" : ",") +
             (first == rest ? StatusOf(first, file)
                            : R"({"pathSuffix":")" + first + R"(","type":"DIRECTORY"})");
    }
    if (out.empty()) return Refuse(x, 404, "FileNotFoundException");
    x.Respond(200, "application/json", R"({"FileStatuses":{"FileStatus":[)" + out + "]}}");
  }

  void Data(net::Exchange& x) {
    {
      const std::lock_guard lock(mutex_);
      data_queries_.push_back(x.query());
    }
    if (bare) return Refuse(x, 404, "FileNotFoundException");
    const std::string path = *net::UrlDecode(x.path().substr(11));
    const auto limit = cut ? cut(path) : std::nullopt;
    std::string bytes;
    {
      const std::lock_guard lock(mutex_);
      bytes = files_[path].bytes;
    }
    const std::size_t first = std::stoul(At(x.query(), "offset"));
    if (first >= bytes.size()) return Refuse(x, 403, "IOException");  // as HDFS does
    const std::size_t more = breaks-- > 0 ? 1 : 0;
    x.RespondStream(200, bytes.size() - first + more, {}, [&](const net::Exchange::Take& take) {
      return take(std::string_view(bytes).substr(first, limit.value_or(SIZE_MAX)));
    });
  }

  std::mutex mutex_;
  std::map<std::string, FakeFile> files_;
  std::vector<std::string> queries_, data_queries_;
  std::unique_ptr<net::HttpServer> data_, name_;
};

class HdfsSource : public testing::Test {
 protected:
  HdfsSource() {
    settings_.first_pause = std::chrono::milliseconds(1);
    std::string folder = "/tmp/penstock-hdfs-source-XXXXXX";
    folder_ = ::mkdtemp(folder.data());
  }
  ~HdfsSource() override { fs::remove_all(folder_); }

  Result<std::string> Fetch(const std::string& path, std::string authority = "-") {
    if (authority == "-") authority = store_.authority();
    fs::remove_all(folder_ / "got");
    auto parsed = ParseHdfsUri("webhdfs://" + authority + path);
    if (!parsed) return parsed.error();
    auto objects = FetchSource(*parsed, folder_ / "got", settings_);
    if (!objects) return objects.error();
    return fetch::FingerprintOf(parsed->folder, *objects);
  }
  std::string Problem(const std::string& path, const std::string& authority = "-") {
    const auto got = Fetch(path, authority);
    return got ? "fetched" : got.error().message;
  }
  std::string Got(const std::string& name = "") {
    const auto text = ReadFile(name.empty() ? folder_ / "got" : folder_ / "got" / name);
    return text ? *text : text.error().message;
  }

  FakeHdfs store_;
  fetch::SourceSettings settings_;
  fs::path folder_;
};

#define EXPECT_SAYS(text, part)                                                                \
  do {                                                                                         \
    const std::string expect_says_text = (text);                                               \
    EXPECT_NE(expect_says_text.find(part), std::string::npos) << "said: " << expect_says_text; \
  } while (false)

TEST_F(HdfsSource, IsAFileWhereverItsBytesAre) {
  store_.Set("/raw/a b.csv", "a,b\n1,2\n");
  const auto print = Fetch("/raw/a%20b.csv");
  ASSERT_TRUE(print) << print.error().message;
  EXPECT_EQ(Got(), "a,b\n1,2\n");
  EXPECT_SAYS(*print, "etag:\"7-1000-8\" length:8");
  store_.redirects = true;
  EXPECT_EQ(Problem("/raw/a%20b.csv"), "fetched");
  store_.Set("/empty", "");
  EXPECT_EQ(Problem("/empty"), "fetched");
  EXPECT_EQ(Got(), "");
}

TEST_F(HdfsSource, IsAFolderWithThoseWithin) {
  for (const char* path : {"/d/1", "/d/2", "/d/sub/3", "/e/4"}) store_.Set(path, path);
  ASSERT_EQ(Problem("/d/"), "fetched");
  EXPECT_EQ(Got("1"), "/d/1");
  EXPECT_EQ(Got("sub/3"), "/d/sub/3");
  settings_.flat = true;
  EXPECT_SAYS(Problem("/d/"), "a folder within the folder");
  EXPECT_SAYS(Problem("/d"), "is all of them as a folder");
}

TEST_F(HdfsSource, GoesOnWhereItBroke) {
  const std::string bytes(200'000, 'x');
  store_.Set("/k", bytes);
  store_.cut = [left = 2](const std::string&) mutable {
    return left-- > 0 ? std::optional<std::size_t>(70'000) : std::nullopt;
  };
  ASSERT_EQ(Problem("/k"), "fetched");
  EXPECT_EQ(Got(), bytes);
}

TEST_F(HdfsSource, ABreakBehindTheLastByteIsTheEnd) {
  store_.Set("/k", std::string(1000, 'x'));
  store_.breaks = 1;
  ASSERT_EQ(Problem("/k"), "fetched");
  EXPECT_EQ(Got(), std::string(1000, 'x'));
  EXPECT_EQ(store_.data_queries().size(), 1U);
}

TEST_F(HdfsSource, AListThatHasNoEndIsGivenUp) {
  store_.Set("/d/sub/k", "x");
  settings_.list_deadline = std::chrono::milliseconds(0);
  EXPECT_SAYS(Problem("/d/"), "its list has no end within");
}

TEST_F(HdfsSource, IsNeverHalfOfTwoFiles) {
  store_.Set("/k", std::string(200'000, 'x'));
  store_.cut = [this](const std::string&) -> std::optional<std::size_t> {
    store_.Set("/k", std::string(200'000, 'y'), 2000);
    return 70'000;
  };
  EXPECT_SAYS(Problem("/k"), "the object changed while it was read");
}

TEST_F(HdfsSource, AFileThatGrowsWhileItIsReadIsNoFile) {
  store_.Set("/k", std::string(100'000, 'x'));
  store_.cut = [this](const std::string&) -> std::optional<std::size_t> {
    store_.Set("/k", std::string(200'000, 'x'), 2000);
    return std::nullopt;
  };
  EXPECT_SAYS(Problem("/k"), "the object changed while it was read");
}

TEST_F(HdfsSource, AStandbyNameNodeIsAskedAgain) {
  store_.Set("/k", "x");
  store_.standby = 2;
  EXPECT_EQ(Problem("/k"), "fetched");
  store_.standby = 1000;
  EXPECT_SAYS(Problem("/k"), "StandbyException");
  store_.standby = 0;
}

TEST_F(HdfsSource, WhoseRightsCountIsSaid) {
  store_.Set("/k", "x");
  settings_.environment = {{"HADOOP_USER_NAME", "reader"}};
  EXPECT_EQ(Problem("/k"), "fetched");
  EXPECT_SAYS(store_.queries().back(), "user.name=reader");
  store_.refuse = "403 AccessControlException";
  EXPECT_SAYS(Problem("/k"), "AccessControlException (by the fake); it was asked as reader");
  store_.refuse = "401 AuthenticationException";
  EXPECT_SAYS(Problem("/k"), "WEBHDFS_DELEGATION_TOKEN");
}

TEST_F(HdfsSource, ATokenGoesToTheNameNodeOfTheEnvAlone) {
  store_.Set("/k", "x");
  settings_.environment = {{"WEBHDFS_DELEGATION_TOKEN", "s3cret"}};
  EXPECT_SAYS(Problem("/k"), "is not sent there");
  EXPECT_TRUE(store_.queries().empty());
  settings_.environment["WEBHDFS_URL"] = "http://namenode.example.com:9870";
  EXPECT_SAYS(Problem("/k"), "is not sent there");
  settings_.environment["WEBHDFS_URL"] = "http://" + store_.authority();
  EXPECT_EQ(Problem("/k"), "fetched");
  EXPECT_EQ(Problem("/k", ""), "fetched");
  EXPECT_SAYS(store_.queries().back(), "delegation=s3cret");
  store_.refuse = "401 InvalidToken";
  EXPECT_EQ(Problem("/k").find("s3cret"), std::string::npos);
}

TEST_F(HdfsSource, ATokenIsNotSentToWhereANameNodeLeadsWithoutAPath) {
  store_.Set("/k", "x");
  store_.bare = true;
  settings_.environment = {{"WEBHDFS_DELEGATION_TOKEN", "s3cret"},
                           {"WEBHDFS_URL", "http://" + store_.authority()}};
  EXPECT_SAYS(Problem("/k"), "404 FileNotFoundException");
  ASSERT_FALSE(store_.data_queries().empty());
  for (const auto& query : store_.data_queries())
    EXPECT_EQ(query.find("s3cret"), std::string::npos) << query;
}

TEST_F(HdfsSource, ARefusalThatTellsWhatWasAskedShowsNoToken) {
  store_.Set("/k", "x");
  store_.echoes = true;
  store_.refuse = "401 InvalidToken";
  settings_.environment = {{"WEBHDFS_DELEGATION_TOKEN", "s3cret"},
                           {"WEBHDFS_URL", "http://" + store_.authority()}};
  const auto said = Problem("/k");
  EXPECT_SAYS(said, "asked was delegation=...&op=GETFILESTATUS");
  EXPECT_EQ(said.find("s3cret"), std::string::npos) << said;
}

TEST(HdfsUris, NameAPathOrAreRefused) {
  const auto uri = ParseHdfsUri("swebhdfs://nn:9871/a/b%20c/");
  ASSERT_TRUE(uri) << uri.error().message;
  EXPECT_TRUE(uri->tls);
  EXPECT_EQ(uri->authority, "nn:9871");
  EXPECT_EQ(uri->key, "a/b c/");
  EXPECT_TRUE(uri->folder);
  for (const char* text : {"webhdfs://nn", "webhdfs://u@nn/k", "webhdfs://nn/k?op=DELETE",
                           "hdfs://nn/k", "webhdfs://nn/k#x"})
    EXPECT_FALSE(ParseHdfsUri(text)) << text;
}

TEST_F(HdfsSource, SpansOfTimeAreListedByTheirFoldersAndReadAsAFolder) {
  for (const char* key : {"/raw/2026/01/05/a", "/raw/2026/01/06/a", "/raw/2026/01/06/deep/b",
                          "/raw/2026/01/08/a", "/log/20260106.csv", "/log/20260107.csv"})
    store_.Set(key, key);
  const auto fetch = [&](const std::string& path) {
    fs::remove_all(folder_ / "got");
    return remote::FetchRemoteSpans("webhdfs://" + store_.authority() + path,
                                    *ParseTime("2026-01-08T01:00:00Z"), folder_ / "got", settings_);
  };
  const auto gap = fetch("/raw/{YYYY}/{MM}/{DD}/?window=2d");
  ASSERT_FALSE(gap);
  EXPECT_SAYS(gap.error().message, "has no object: 2026-01-07");
  settings_.flat = true;  // folders within are a table's parts here
  const auto read = fetch("/raw/{YYYY}/{MM}/{DD}/?window=2d&gaps=allow");
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->spans.size(), 2U);
  EXPECT_EQ(read->spans[0].objects.size(), 2U);
  EXPECT_TRUE(read->spans[1].objects.empty());
  EXPECT_EQ(Got("2026/01/06/deep/b"), "/raw/2026/01/06/deep/b");
  store_.Set("/raw/2026/01/06/a", "/raw/2026/01/06/a", 2000);
  EXPECT_NE(fetch("/raw/{YYYY}/{MM}/{DD}/?window=2d&gaps=allow")->fingerprint, read->fingerprint);
  const auto files = fetch("/log/{YYYY}{MM}{DD}.csv?window=2d");
  ASSERT_TRUE(files) << files.error().message;
  EXPECT_EQ(files->spans[1].objects.size(), 1U);
  EXPECT_EQ(Got("20260107.csv"), "/log/20260107.csv");
}

}  // namespace
}  // namespace penstock::hdfs
