#include "operator/s3/source.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <fstream>

#include "operator/base/file.h"
#include "operator/net/http_server.h"
#include "operator/remote/source.h"
#include "operator/s3/testing/fake_s3.h"

namespace penstock::s3 {
namespace {

namespace fs = std::filesystem;

class S3Source : public testing::Test {
 protected:
  S3Source() {
    settings_.environment = {{"AWS_ENDPOINT_URL", store_.settings().endpoint},
                             {"AWS_ACCESS_KEY_ID", FakeS3::keys().access_key},
                             {"AWS_SECRET_ACCESS_KEY", FakeS3::keys().secret_key}};
    settings_.first_pause = std::chrono::milliseconds(1);
    std::string folder = "/tmp/penstock-s3-source-XXXXXX";
    folder_ = ::mkdtemp(folder.data());
  }
  ~S3Source() override { fs::remove_all(folder_); }

  Result<std::string> Fetch(const std::string& uri) {
    fs::remove_all(folder_ / "got");
    auto parsed = ParseS3Uri(uri);
    if (!parsed) return parsed.error();
    auto objects = FetchSource(*parsed, folder_ / "got", settings_);
    if (!objects) return objects.error();
    return FingerprintOf(*parsed, *objects);
  }
  std::string Problem(const std::string& uri) {
    const auto got = Fetch(uri);
    return got ? "fetched" : got.error().message;
  }
  std::string Got(const std::string& name = "") {
    const auto text = ReadFile(name.empty() ? folder_ / "got" : folder_ / "got" / name);
    return text ? *text : text.error().message;
  }

  FakeS3 store_;
  SourceSettings settings_;
  fs::path folder_;
};

#define EXPECT_SAYS(text, part)                                                                \
  do {                                                                                         \
    const std::string expect_says_text = (text);                                               \
    EXPECT_NE(expect_says_text.find(part), std::string::npos) << "said: " << expect_says_text; \
  } while (false)

TEST_F(S3Source, IsAFileByItsKey) {
  const std::string key = "raw/a b%20c+ü.csv";
  store_.SetBytes(key, "a,b\n1,2\n");
  const auto print = Fetch("s3://models/raw/a%20b%2520c+ü.csv");
  ASSERT_TRUE(print) << print.error().message;
  EXPECT_EQ(Got(), "a,b\n1,2\n");
  EXPECT_SAYS(*print, "etag:\"");
  EXPECT_SAYS(*print, " length:8");
  store_.SetBytes("empty", "");
  ASSERT_TRUE(Fetch("s3://models/empty"));
  EXPECT_EQ(Got(), "");
}

TEST_F(S3Source, OfGoogleIsAskedWithItsOwnKeysAndNeverWithAmazons) {
  store_.SetBytes("raw/a.csv", "a,b\n");
  settings_.environment = {{"GS_ENDPOINT_URL", store_.settings().endpoint},
                           {"GS_ACCESS_KEY_ID", FakeS3::keys().access_key},
                           {"GS_SECRET_ACCESS_KEY", FakeS3::keys().secret_key}};
  ASSERT_EQ(Problem("gs://models/raw/a.csv"), "fetched");
  EXPECT_EQ(Got(), "a,b\n");
  ASSERT_EQ(Problem("gs://models/raw/"), "fetched");
  EXPECT_EQ(Got("a.csv"), "a,b\n");
  EXPECT_SAYS(Problem("gs://models/none"), "gs://models/none");
  EXPECT_SAYS(Problem("gs:///none"), "gs://bucket/key");
  settings_.environment.erase("GS_SECRET_ACCESS_KEY");
  EXPECT_SAYS(Problem("gs://models/raw/a.csv"), "GS_ACCESS_KEY_ID and no GS_SECRET_ACCESS_KEY");
  settings_.environment = {{"GS_ENDPOINT_URL", store_.settings().endpoint},
                           {"AWS_ACCESS_KEY_ID", FakeS3::keys().access_key},
                           {"AWS_SECRET_ACCESS_KEY", FakeS3::keys().secret_key}};
  EXPECT_SAYS(Problem("gs://models/raw/a.csv"), "an HMAC key of a service account");
}

TEST_F(S3Source, WhatGoogleUnpacksOnTheWayIsRefusedByName) {
  net::HttpServerOptions options;
  options.address = "127.0.0.1";
  options.keep_alive = false;
  std::atomic<int> asked{0};
  const auto server = net::HttpServer::Start(options, [&](net::Exchange& x) {
                        ++asked;
                        x.Respond(200, "text/csv", "a,b\n",
                                  {{"ETag", "\"1\""}, {"x-goog-stored-content-encoding", "gzip"}});
                      }).value();
  settings_.environment = {
      {"GS_ENDPOINT_URL", "http://127.0.0.1:" + std::to_string(server->port())}};
  EXPECT_SAYS(Problem("gs://models/raw/a.csv"),
              "GET gs://models/raw/a.csv: is kept with Content-Encoding: gzip");
  EXPECT_EQ(asked.load(), 1);
  server->Stop();
}

TEST_F(S3Source, GoesOnWhereItBrokeWithTheSameObject) {
  const std::string bytes(100'000, 'x');
  store_.SetBytes("k", bytes);
  store_.OnRequest([left = 2](const std::string& method, const std::string&) mutable {
    return method == "GET" && left-- > 0 ? std::optional(FakeFault{.cut_after = 30'000})
                                         : std::nullopt;
  });
  ASSERT_EQ(Problem("s3://models/k"), "fetched");
  EXPECT_EQ(Got(), bytes);
}

TEST_F(S3Source, IsNeverHalfOfTwoObjects) {
  store_.SetBytes("k", std::string(100'000, 'x'));
  store_.OnRequest([this, asked = 0](const std::string& method,
                                     const std::string&) mutable -> std::optional<FakeFault> {
    if (method != "GET") return std::nullopt;
    if (asked++ == 0) return FakeFault{.cut_after = 30'000};
    store_.SetBytes("k", std::string(100'000, 'y'));  // of the same length
    return std::nullopt;
  });
  const auto got = Fetch("s3://models/k");
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, ErrorKind::kTransient);
  EXPECT_SAYS(got.error().message, "the object changed while it was read");
}

TEST_F(S3Source, IsNeverHalfOfTwoObjectsWhereTheStoreKnowsNoConditions) {
  FakeS3 store({.conditional = false});
  settings_.environment["AWS_ENDPOINT_URL"] = store.settings().endpoint;
  store.SetBytes("k", std::string(100'000, 'x'));
  store.OnRequest([&store, asked = 0](const std::string&,
                                      const std::string&) mutable -> std::optional<FakeFault> {
    if (asked++ == 0) return FakeFault{.cut_after = 30'000};
    store.SetBytes("k", std::string(100'000, 'y'));
    return std::nullopt;
  });
  const auto got = Fetch("s3://models/k");
  ASSERT_FALSE(got);
  EXPECT_SAYS(got.error().message, "the object changed while it was read");
}

TEST_F(S3Source, IsAFolderOfAllThatIsBelowAPrefix) {
  for (int i = 0; i < 2500; ++i)
    store_.SetBytes("in/part-" + std::to_string(10'000 + i), std::to_string(i));
  store_.SetBytes("in/", "");  // what consoles make of a folder
  store_.SetBytes("inner", "no");
  const auto first = Fetch("s3://models/in/");
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_ / "got"), fs::directory_iterator()), 2500);
  EXPECT_EQ(Got("part-12499"), "2499");
  EXPECT_EQ(*Fetch("s3://models/in/"), *first);
  store_.SetBytes("in/part-10007", "8");
  EXPECT_NE(*Fetch("s3://models/in/"), *first);
}

TEST_F(S3Source, IsAllOfABucketWithFoldersWithin) {
  store_.SetBytes("a/b/c.csv", "1");
  store_.SetBytes("d.csv", "2");
  ASSERT_EQ(Problem("s3://models"), "fetched");
  EXPECT_EQ(Got("a/b/c.csv"), "1");
  EXPECT_EQ(Got("d.csv"), "2");
  settings_.flat = true;
  EXPECT_SAYS(Problem("s3://models/"), "s3://models/a/b/c.csv: a folder within the folder");
}

TEST_F(S3Source, OfAFolderEachObjectIsThatWhichWasListed) {
  store_.SetBytes("in/a", "1");
  store_.SetBytes("in/b", "2");
  store_.OnRequest([this](const std::string&, const std::string& key) -> std::optional<FakeFault> {
    if (key == "in/b") store_.SetBytes("in/b", "3");
    return std::nullopt;
  });
  const auto got = Fetch("s3://models/in/");
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, ErrorKind::kTransient);
  EXPECT_SAYS(got.error().message, "changed while it was read");
}

TEST_F(S3Source, SaysWhatIsNotThere) {
  store_.SetBytes("in/a", "1");
  EXPECT_EQ(Fetch("s3://models/nothing").error().kind, ErrorKind::kNotFound);
  EXPECT_SAYS(Problem("s3://models/in"), "s3://models/in/ is all of them as a folder");
  EXPECT_SAYS(Problem("s3://models/other/"), "there is no object whose key begins so");
  EXPECT_SAYS(Problem("s3://buckets/x"), "NoSuchBucket");
}

TEST_F(S3Source, RefusesNamesThatAreNoFiles) {
  for (const char* key : {"in/../x", "in//x", "in/./x"}) {
    store_.SetBytes(key, "1");
    EXPECT_SAYS(Problem("s3://models/in/"), "its key cannot be the name of a file");
    ASSERT_TRUE(store_.MakeClient()->Delete(key, {}));
  }
  store_.SetBytes("in/a", "1");
  store_.SetBytes("in/a/b", "2");
  EXPECT_NE(Problem("s3://models/in/"), "fetched");
  EXPECT_SAYS(Problem("s3://"), "names no bucket");
  EXPECT_SAYS(Problem("s3:///x"), "names no bucket");
  EXPECT_SAYS(Problem("s3://No_Bucket/x"), "is no bucket's name");
  EXPECT_SAYS(Problem("s3://models/k?versionId=7"), "the newest version is read");
}

TEST_F(S3Source, IsReadByAnybodyWhereTheStoreLetsThem) {
  store_.SetBytes("open", "1");
  settings_.environment.erase("AWS_ACCESS_KEY_ID");
  EXPECT_SAYS(Problem("s3://models/open"), "AWS_SECRET_ACCESS_KEY and no AWS_ACCESS_KEY_ID");
  settings_.environment.erase("AWS_SECRET_ACCESS_KEY");
  const auto refused = Fetch("s3://models/open");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kForbidden);
  EXPECT_SAYS(refused.error().message, "it was asked without keys");
  store_.SetKeys({});  // nobody needs any
  EXPECT_EQ(Problem("s3://models/open"), "fetched");
}

TEST_F(S3Source, RefusesKeysThatAreWrongWithoutShowingThem) {
  store_.SetBytes("k", "1");
  settings_.environment["AWS_SECRET_ACCESS_KEY"] = "hunter2";
  const std::string problem = Problem("s3://models/k");
  EXPECT_SAYS(problem, "SignatureDoesNotMatch");
  EXPECT_EQ(problem.find("hunter2"), std::string::npos) << problem;
}

TEST_F(S3Source, EndsAtItsLimit) {
  store_.SetBytes("in/a", std::string(600, 'x'));
  store_.SetBytes("in/b", std::string(600, 'x'));
  settings_.max_bytes = 1000;
  ASSERT_EQ(Problem("s3://models/in/a"), "fetched");
  EXPECT_SAYS(Problem("s3://models/in/"), "more than maxBytes, 1000");
  settings_.max_bytes = 599;
  EXPECT_SAYS(Problem("s3://models/in/a"), "more than maxBytes, 599");
}

TEST_F(S3Source, IsNotTheFirstPageOfAListThatGoesOn) {
  store_.SetBytes("in/a", "x");
  store_.SetList(
      "<ListBucketResult><IsTruncated>true</IsTruncated><Contents><Key>in/a</Key>"
      "<Size>1</Size></Contents><NextMarker>in/a</NextMarker></ListBucketResult>");
  EXPECT_SAYS(Problem("s3://models/in/"), "the store does not answer list-type=2");
}

TEST_F(S3Source, AStoreThatDripsIsGivenUp) {
  store_.SetBytes("k", std::string(1000, 'x'));
  store_.OnRequest([](const std::string& method, const std::string&) {
    return method == "GET" ? std::optional(FakeFault{.cut_after = 10}) : std::nullopt;
  });
  EXPECT_NE(Problem("s3://models/k"), "fetched") << "ten bytes a try went on for ever";
  EXPECT_EQ(store_.log().size(), 6U);
  settings_.least_bytes = 10;
  EXPECT_EQ(Problem("s3://models/k"), "fetched") << "what comes on is read, also in many pieces";
}

TEST_F(S3Source, AListThatHasNoEndIsGivenUp) {
  const std::string more =
      "<IsTruncated>true</IsTruncated>"
      "<NextContinuationToken>t</NextContinuationToken>";
  store_.SetList("<ListBucketResult>" + more + "</ListBucketResult>");
  settings_.list_deadline = std::chrono::milliseconds(-1);
  EXPECT_SAYS(Problem("s3://models/in/"), "s3://models/in/: its list has no end within");
  std::string many = "<ListBucketResult>";
  for (int i = 0; i <= 100'000; ++i)
    many += "<Contents><Key>in/" + std::to_string(i) + "</Key></Contents>";
  store_.SetList(many + more + "</ListBucketResult>");
  EXPECT_SAYS(Problem("s3://models/in/"), "s3://models/in/: more than 100000 objects");
}

TEST_F(S3Source, SaysWhichVariableIsWrong) {
  settings_.environment["AWS_CA_BUNDLE"] = folder_ / "missing.pem";
  EXPECT_SAYS(Problem("s3://models/k"), "AWS_CA_BUNDLE: ");
  settings_.environment.erase("AWS_CA_BUNDLE");
  settings_.environment["AWS_ENDPOINT_URL_S3"] = "minio:9000";  // goes before AWS_ENDPOINT_URL
  EXPECT_SAYS(Problem("s3://models/k"), "AWS_ENDPOINT_URL: ");
}

TEST_F(S3Source, SpansOfTimeAreListedByTheirPrefixesAndReadAsAFolder) {
  for (const char* key : {"lake/o/2026/01/05/a", "lake/o/2026/01/06/a", "lake/o/2026/01/06/deep/b",
                          "lake/o/2026/01/07/a", "lake/o/2026/01/08/a", "lake/p"})
    store_.SetBytes(key, key);
  settings_.environment["GS_ENDPOINT_URL"] = store_.settings().endpoint;
  settings_.environment["GS_ACCESS_KEY_ID"] = FakeS3::keys().access_key;
  settings_.environment["GS_SECRET_ACCESS_KEY"] = FakeS3::keys().secret_key;
  const TimePoint now = *ParseTime("2026-01-07T15:00:00Z");
  const auto fetch = [&](const std::string& scheme, const std::string& words) {
    fs::remove_all(folder_ / "got");
    return remote::FetchRemoteSpans(scheme + "://models/lake/o/{YYYY}/{MM}/{DD}/?" + words, now,
                                    folder_ / "got", settings_);
  };
  for (const char* scheme : {"s3", "gs"}) {
    const auto read = fetch(scheme, "window=2d&zone=+09:00");
    ASSERT_TRUE(read) << read.error().message;
    ASSERT_EQ(read->spans.size(), 2U);
    EXPECT_EQ(read->spans[0].name, "2026-01-06");
    ASSERT_EQ(read->spans[0].objects.size(), 2U);
    EXPECT_EQ(read->spans[0].objects[1].key, "lake/o/2026/01/06/deep/b");
    EXPECT_EQ(Got("2026/01/06/deep/b"), "lake/o/2026/01/06/deep/b");
    EXPECT_EQ(Got("2026/01/07/a"), "lake/o/2026/01/07/a");
    EXPECT_FALSE(fs::exists(folder_ / "got/2026/01/05"));
    EXPECT_FALSE(fs::exists(folder_ / "got/2026/01/08"));
    EXPECT_EQ(fetch(scheme, "window=2d&zone=+09:00")->fingerprint, read->fingerprint);
    // In UTC the seventh has not ended.
    EXPECT_EQ(fetch(scheme, "window=2d")->spans[1].name, "2026-01-06");
    store_.SetBytes("lake/o/2026/01/06/late", scheme);
    const auto late = fetch(scheme, "window=2d&zone=+09:00");
    ASSERT_TRUE(late) << late.error().message;
    EXPECT_NE(late->fingerprint, read->fingerprint);
    EXPECT_EQ(Got("2026/01/06/late"), scheme);
    const auto gap = fetch(scheme, "window=9d");
    ASSERT_FALSE(gap);
    EXPECT_SAYS(gap.error().message, "7 of the 9 spans");
    ASSERT_TRUE(store_.MakeClient()->Delete("lake/o/2026/01/06/late", {}));
  }
}

TEST_F(S3Source, SpansOfABucketWithoutKeysSaySo) {
  settings_.environment.erase("AWS_ACCESS_KEY_ID");
  settings_.environment.erase("AWS_SECRET_ACCESS_KEY");
  const auto read = remote::FetchRemote("s3://models/{YYYY}{MM}{DD}/?window=1d&gaps=allow",
                                        folder_ / "got", settings_);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().kind, ErrorKind::kForbidden);
  EXPECT_SAYS(read.error().message, "it was asked without keys");
}

}  // namespace
}  // namespace penstock::s3
