// Blobs of a fake in this process, which verifies signatures by what was signed.
#include "operator/azure/source.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <functional>
#include <mutex>
#include <optional>

#include "operator/azure/account.h"
#include "operator/azure/shared_key.h"
#include "operator/base/base64.h"
#include "operator/base/file.h"
#include "operator/base/sha256.h"
#include "operator/net/http_server.h"
#include "operator/net/url.h"
#include "operator/remote/source.h"

namespace penstock::azure {
namespace {

namespace fs = std::filesystem;

constexpr const char* kKey = "a key of the account";

class FakeBlobs {
 public:
  FakeBlobs() {
    net::HttpServerOptions options;
    options.address = "127.0.0.1";
    options.keep_alive = false;
    server_ = net::HttpServer::Start(options, [this](net::Exchange& x) { Serve(x); }).value();
  }
  ~FakeBlobs() { server_->Stop(); }

  [[nodiscard]] std::string connection() const {
    return "AccountName=acc;AccountKey=" + EncodeBase64(kKey) +
           ";BlobEndpoint=http://127.0.0.1:" + std::to_string(server_->port()) + "/acc";
  }
  [[nodiscard]] std::string sas_connection() const {
    return "SharedAccessSignature=?sv=2021&sig=a%2Fb;BlobEndpoint=http://127.0.0.1:" +
           std::to_string(server_->port()) + "/acc/";
  }
  void Set(const std::string& key, const std::string& bytes) {
    const std::lock_guard lock(mutex_);
    blobs_[key] = bytes;
  }
  // Before each answer; what it gives is how many bytes of the body are sent.
  std::function<std::optional<std::size_t>(const std::string& key)> cut;
  std::string folder;  // is listed as a blob that is a folder

 private:
  static std::string TagOf(const std::string& bytes) {
    return "0x" + Sha256Hex(bytes).substr(0, 16);
  }

  bool Allowed(net::Exchange& x) const {
    if (x.query().find("sig=a%2Fb") != std::string::npos) return true;
    net::RequestToSign request{"GET", "", x.path(), {}, {}};
    for (const char* name : {"Range", "If-Match", "x-ms-date", "x-ms-version"})
      if (const auto value = x.Header(name); !value.empty())
        request.headers.emplace_back(name, value);
    std::string rest = x.query();
    while (!rest.empty()) {
      const std::string one = rest.substr(0, rest.find('&'));
      rest.erase(0, std::min(rest.size(), one.size() + 1));
      const auto equals = one.find('=');
      request.query.emplace_back(one.substr(0, equals), *net::UrlDecode(one.substr(equals + 1)));
    }
    return x.Header("Authorization") == SharedKey(request, "acc", kKey);
  }

  static void Refuse(net::Exchange& x, int status, const std::string& code) {
    x.Respond(status, "application/xml",
              "<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>" + code +
                  "</Code><Message>told by the fake</Message></Error>",
              {{"x-ms-error-code", code}});
  }

  void Serve(net::Exchange& x) {
    if (!Allowed(x)) return Refuse(x, 403, "AuthenticationFailed");
    if (!x.path().starts_with("/acc/con")) return Refuse(x, 404, "ContainerNotFound");
    if (x.query().find("comp=list") != std::string::npos) return List(x);
    const std::string key = *net::UrlDecode(x.path().substr(9));
    const auto limit = cut ? cut(key) : std::nullopt;
    std::string bytes;
    {
      const std::lock_guard lock(mutex_);
      const auto found = blobs_.find(key);
      if (found == blobs_.end()) return Refuse(x, 404, "BlobNotFound");
      bytes = found->second;
    }
    const std::string tag = '"' + TagOf(bytes) + '"';
    if (const auto meant = x.Header("If-Match"); !meant.empty() && meant != tag)
      return Refuse(x, 412, "ConditionNotMet");
    std::size_t first = 0;
    net::Headers headers{{"ETag", tag}};
    if (const auto range = x.Header("Range"); !range.empty()) {
      first = std::stoul(range.substr(6));
      headers.emplace_back("Content-Range", "bytes " + std::to_string(first) + "-" +
                                                std::to_string(bytes.size() - 1) + "/" +
                                                std::to_string(bytes.size()));
    }
    x.RespondStream(first > 0 ? 206 : 200, bytes.size() - first, headers,
                    [&](const net::Exchange::Take& take) {
                      return take(std::string_view(bytes).substr(first, limit.value_or(SIZE_MAX)));
                    });
  }

  void List(net::Exchange& x) {
    const std::lock_guard lock(mutex_);
    const auto parameter = [&](const std::string& name) {
      const auto at = ("&" + x.query()).find("&" + name + "=");
      if (at == std::string::npos) return std::string();
      const auto begin = at + name.size() + 1;
      return *net::UrlDecode(x.query().substr(begin, x.query().find('&', begin) - begin));
    };
    std::string out = "<?xml version=\"1.0\"?><EnumerationResults><Blobs>";
    if (!folder.empty()) {
      out += "<Blob><Name>" + folder +
             "</Name><Properties><Content-Length>0</Content-Length><Etag>0x1</Etag></Properties>"
             "<Metadata><hdi_isfolder>true</hdi_isfolder></Metadata></Blob>";
    }
    int count = 0;
    std::string next;
    for (auto at = blobs_.upper_bound(parameter("marker")); at != blobs_.end(); ++at) {
      if (!at->first.starts_with(parameter("prefix"))) continue;
      if (++count > 2) break;  // small pages
      next = at->first;
      out += "<Blob><Name>" + at->first + "</Name><Properties><Content-Length>" +
             std::to_string(at->second.size()) + "</Content-Length><Etag>" + TagOf(at->second) +
             "</Etag></Properties></Blob>";
    }
    out += "</Blobs><NextMarker>" + (count > 2 ? next : "") + "</NextMarker></EnumerationResults>";
    x.Respond(200, "application/xml", out);
  }

  std::mutex mutex_;
  std::map<std::string, std::string> blobs_;
  std::unique_ptr<net::HttpServer> server_;
};

class AzureSource : public testing::Test {
 protected:
  AzureSource() {
    settings_.environment = {{"AZURE_STORAGE_CONNECTION_STRING", store_.connection()}};
    settings_.first_pause = std::chrono::milliseconds(1);
    std::string folder = "/tmp/penstock-azure-source-XXXXXX";
    folder_ = ::mkdtemp(folder.data());
  }
  ~AzureSource() override { fs::remove_all(folder_); }

  Result<std::string> Fetch(const std::string& uri) {
    fs::remove_all(folder_ / "got");
    auto parsed = ParseAzureUri(uri);
    if (!parsed) return parsed.error();
    auto objects = FetchSource(*parsed, folder_ / "got", settings_);
    if (!objects) return objects.error();
    return fetch::FingerprintOf(parsed->folder, *objects);
  }
  std::string Problem(const std::string& uri) {
    const auto got = Fetch(uri);
    return got ? "fetched" : got.error().message;
  }
  std::string Got(const std::string& name = "") {
    const auto text = ReadFile(name.empty() ? folder_ / "got" : folder_ / "got" / name);
    return text ? *text : text.error().message;
  }

  FakeBlobs store_;
  fetch::SourceSettings settings_;
  fs::path folder_;
};

#define EXPECT_SAYS(text, part)                                                                \
  do {                                                                                         \
    const std::string expect_says_text = (text);                                               \
    EXPECT_NE(expect_says_text.find(part), std::string::npos) << "said: " << expect_says_text; \
  } while (false)

TEST_F(AzureSource, IsAFileByItsKeyWithTheAccountsKeyAndWithASas) {
  store_.Set("raw/a b+ü.csv", "a,b\n1,2\n");
  const auto print = Fetch("az://con/raw/a%20b+ü.csv");
  ASSERT_TRUE(print) << print.error().message;
  EXPECT_EQ(Got(), "a,b\n1,2\n");
  EXPECT_SAYS(*print, "etag:\"0x");
  EXPECT_SAYS(*print, " length:8");
  store_.Set("empty", "");
  EXPECT_EQ(Problem("az://con/empty"), "fetched");
  settings_.environment = {{"AZURE_STORAGE_CONNECTION_STRING", store_.sas_connection()}};
  EXPECT_EQ(Problem("az://con/raw/a%20b+ü.csv"), "fetched");
}

TEST_F(AzureSource, IsAFolderPageByPage) {
  for (const char* key : {"d/1", "d/2", "d/3", "d/sub/4", "d/5", "e/6"}) store_.Set(key, key);
  store_.folder = "d/sub";
  const auto print = Fetch("az://con/d/");
  ASSERT_TRUE(print) << print.error().message;
  for (const char* name : {"1", "2", "3", "sub/4", "5"})
    EXPECT_EQ(Got(name), std::string("d/") + name);
  EXPECT_FALSE(fs::exists(folder_ / "got" / "6"));
  EXPECT_TRUE(print->starts_with("objects:")) << *print;
  settings_.flat = true;
  EXPECT_SAYS(Problem("az://con/d/"), "a folder within the folder");
}

TEST_F(AzureSource, GoesOnWhereItBrokeWithTheSameBlob) {
  const std::string bytes(200'000, 'x');
  store_.Set("k", bytes);
  store_.cut = [left = 2](const std::string&) mutable {
    return left-- > 0 ? std::optional<std::size_t>(70'000) : std::nullopt;
  };
  ASSERT_EQ(Problem("az://con/k"), "fetched");
  EXPECT_EQ(Got(), bytes);
}

TEST_F(AzureSource, IsNeverHalfOfTwoBlobs) {
  store_.Set("k", std::string(200'000, 'x'));
  store_.cut = [this, first = true](const std::string&) mutable -> std::optional<std::size_t> {
    if (!first) {
      store_.Set("k", std::string(200'000, 'y'));
      return std::nullopt;
    }
    first = false;
    return 70'000;
  };
  EXPECT_SAYS(Problem("az://con/k"), "the object changed while it was read");
}

TEST_F(AzureSource, WhatIsNotThereAndWhatMayNotBeReadIsSaid) {
  store_.Set("d/1", "x");
  EXPECT_SAYS(Problem("az://con/none"), "404 BlobNotFound");
  EXPECT_SAYS(Problem("az://con/d"), "az://con/d/ is all of them as a folder");
  EXPECT_SAYS(Problem("az://other/k"), "ContainerNotFound");
  settings_.environment["AZURE_STORAGE_CONNECTION_STRING"] +=
      ";AccountKey=" + EncodeBase64("another key");
  EXPECT_SAYS(Problem("az://con/d/1"), "403 AuthenticationFailed");
  EXPECT_SAYS(Problem("az://con/d/1"), "mend AZURE_STORAGE_KEY");
}

TEST(AzureAccount, ARightIsNotSentToAnotherAccount) {
  fetch::SourceSettings settings;
  settings.environment = {{"AZURE_STORAGE_ACCOUNT", "mine"},
                          {"AZURE_STORAGE_KEY", EncodeBase64(kKey)}};
  const auto mine = AccountOf(settings, "mine.dfs.core.windows.net");
  ASSERT_TRUE(mine) << mine.error().message;
  EXPECT_EQ(mine->endpoint, "https://mine.blob.core.windows.net");
  EXPECT_SAYS(AccountOf(settings, "evil.dfs.core.windows.net").error().message, "not sent there");
  EXPECT_SAYS(AccountOf(settings, "mine.dfs.evil.example.com").error().message, "not sent there");
  settings.environment = {{"AZURE_STORAGE_SAS_TOKEN", "?sv=1&sig=x"}};
  EXPECT_SAYS(AccountOf(settings, "evil.dfs.core.windows.net").error().message, "is not sent to");
  settings.environment = {};
  const auto anybody = AccountOf(settings, "open.dfs.core.windows.net");
  ASSERT_TRUE(anybody) << anybody.error().message;
  EXPECT_TRUE(anybody->anonymous());
}

TEST(AzureAccount, TheConnectionStringOfThePortalIsOfTheAccountThatAbfssNames) {
  fetch::SourceSettings settings;
  settings.environment = {{"AZURE_STORAGE_CONNECTION_STRING",
                           "BlobEndpoint=https://mine.blob.core.windows.net/;"
                           "SharedAccessSignature=sv=2021&sig=s3cret"}};
  const auto mine = AccountOf(settings, "mine.dfs.core.windows.net");
  ASSERT_TRUE(mine) << mine.error().message;
  EXPECT_EQ(mine->endpoint, "https://mine.blob.core.windows.net");
  EXPECT_SAYS(AccountOf(settings, "evil.dfs.core.windows.net").error().message, "not sent there");
  settings.environment = {{"AZURE_STORAGE_CONNECTION_STRING",
                           "BlobEndpoint=https://mine.blob.core.windows.net/?sig=s3cret"}};
  const auto wrong = AccountOf(settings, "").error().message;
  EXPECT_SAYS(wrong, "BlobEndpoint: has a ?");
  EXPECT_EQ(wrong.find("s3cret"), std::string::npos) << wrong;
}

TEST(AzureAccount, WhatIsHalfThereIsNamed) {
  fetch::SourceSettings settings;
  EXPECT_SAYS(AccountOf(settings, "").error().message, "no account is named");
  settings.environment = {{"AZURE_STORAGE_KEY", EncodeBase64(kKey)}};
  EXPECT_SAYS(AccountOf(settings, "").error().message, "no AZURE_STORAGE_ACCOUNT");
  settings.environment = {{"AZURE_STORAGE_ACCOUNT", "mine"}, {"AZURE_STORAGE_KEY", "$$$"}};
  EXPECT_SAYS(AccountOf(settings, "").error().message, "AZURE_STORAGE_KEY: its key is no base64");
  settings.environment = {{"AZURE_STORAGE_ACCOUNT", "mine/../x"}};
  EXPECT_SAYS(AccountOf(settings, "").error().message, "no account's name");
  settings.environment = {{"AZURE_STORAGE_ACCOUNT", "mine"},
                          {"AZURE_STORAGE_KEY", EncodeBase64(kKey)},
                          {"AZURE_STORAGE_SAS_TOKEN", "sig=x"}};
  EXPECT_SAYS(AccountOf(settings, "").error().message, "both a key and a SAS");
}

TEST(AzureUris, NameContainerAndKeyOrAreRefused) {
  const auto uri = ParseAzureUri("abfss://raw@mine.dfs.core.windows.net/a/b%20c/");
  ASSERT_TRUE(uri) << uri.error().message;
  EXPECT_EQ(uri->container, "raw");
  EXPECT_EQ(uri->host, "mine.dfs.core.windows.net");
  EXPECT_EQ(uri->key, "a/b c/");
  EXPECT_TRUE(uri->folder);
  EXPECT_TRUE(ParseAzureUri("az://raw")->folder);
  for (const char* text : {"az://", "az:///k", "az://UPPER/k", "abfss://raw/k", "az://raw/k?sig=x",
                           "az://../k", "s3://raw/k"})
    EXPECT_FALSE(ParseAzureUri(text)) << text;
}

TEST_F(AzureSource, SpansOfTimeAreListedByTheirPrefixesAndReadAsAFolder) {
  for (const char* key : {"o/dt=2026-01-06T22/a", "o/dt=2026-01-06T23/a", "o/dt=2026-01-06T23/b",
                          "o/dt=2026-01-06T23/c", "o/dt=2026-01-07T00/a", "o/dt=2026-01-07T01/a"})
    store_.Set(key, key);
  store_.folder = "o/dt=2026-01-06T23";
  const auto fetch = [&](const std::string& place) {
    fs::remove_all(folder_ / "got");
    return remote::FetchRemoteSpans(place + "/o/dt={YYYY}-{MM}-{DD}T{HH}/?window=2h",
                                    *ParseTime("2026-01-07T01:10:00Z"), folder_ / "got", settings_);
  };
  const auto read = fetch("az://con");
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->spans.size(), 2U);
  EXPECT_EQ(read->spans[0].name, "2026-01-06T23");
  EXPECT_EQ(read->spans[0].objects.size(), 3U);
  EXPECT_EQ(read->spans[1].objects.size(), 1U);
  EXPECT_EQ(Got("dt=2026-01-06T23/c"), "o/dt=2026-01-06T23/c");
  EXPECT_FALSE(fs::exists(folder_ / "got/dt=2026-01-06T22"));
  store_.Set("o/dt=2026-01-07T00/a", "rewritten");
  EXPECT_NE(fetch("az://con")->fingerprint, read->fingerprint);
  // The account of the env is another one.
  const auto other = fetch("abfss://con@other.dfs.core.windows.net");
  ASSERT_FALSE(other);
  EXPECT_SAYS(other.error().message, "other");
  const auto none = fetch("az://none");
  ASSERT_FALSE(none);
  EXPECT_SAYS(none.error().message, "ContainerNotFound");
}

}  // namespace
}  // namespace penstock::azure
