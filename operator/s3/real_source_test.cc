// Sources in a real store; skipped where PENSTOCK_TEST_S3 names none
// (tests/integration/real_store.py).
#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "operator/base/file.h"
#include "operator/remote/source.h"
#include "operator/s3/client.h"
#include "operator/s3/source.h"

namespace penstock::s3 {
namespace {

namespace fs = std::filesystem;

const SystemClock kRealClock;

class RealSource : public testing::Test {
 protected:
  void SetUp() override {
    const char* named = std::getenv("PENSTOCK_TEST_S3");
    if (named == nullptr)
      GTEST_SKIP() << "PENSTOCK_TEST_S3 names no store; tests/integration/real_store.py starts one";
    std::istringstream words(named);
    net::SigningKeys keys;
    words >> bucket_.endpoint >> bucket_.bucket >> keys.access_key >> keys.secret_key;
    settings_.environment = {{"AWS_ENDPOINT_URL", bucket_.endpoint},
                             {"AWS_ACCESS_KEY_ID", keys.access_key},
                             {"AWS_SECRET_ACCESS_KEY", keys.secret_key}};
    auto client = Client::Make(bucket_, FixedKeys(keys), kRealClock);
    ASSERT_TRUE(client) << client.error().message;
    client_ = *std::move(client);
    std::string folder = "/tmp/penstock-real-source-XXXXXX";
    folder_ = ::mkdtemp(folder.data());
  }
  void TearDown() override {
    if (!folder_.empty()) fs::remove_all(folder_);
  }
  void Put(const std::string& key, const std::string& text) {
    const auto put = client_->Put(key, BodyOf(text), {}, {});
    ASSERT_TRUE(put) << put.error().message;
  }
  Result<std::string> Fetch(const std::string& path) {
    fs::remove_all(folder_ / "got");
    const auto uri = ParseS3Uri("s3://" + bucket_.bucket + "/" + path);
    if (!uri) return uri.error();
    const auto objects = FetchSource(*uri, folder_ / "got", settings_);
    if (!objects) return objects.error();
    return FingerprintOf(*uri, *objects);
  }

  BucketSettings bucket_;
  SourceSettings settings_;
  std::unique_ptr<Client> client_;
  fs::path folder_;
};

TEST_F(RealSource, AnObjectIsAFileWhateverItsKey) {
  for (const auto& [key, uri] :
       {std::pair{"source/a b+ü%20'.csv", "source/a%20b+ü%2520'.csv"}, {"source/p", "source/p"}}) {
    Put(key, "a,b\n1,2\n");
    const auto print = Fetch(uri);
    ASSERT_TRUE(print) << print.error().message;
    EXPECT_EQ(*ReadFile(folder_ / "got"), "a,b\n1,2\n");
    EXPECT_TRUE(print->starts_with("etag:\"")) << *print;
  }
}

TEST_F(RealSource, APrefixIsAllOfItsPages) {
  for (int i = 0; i < 1100; ++i) Put("pages/part-" + std::to_string(i), std::to_string(i));
  Put("pages/deep/<&>\".txt", "odd");
  Put("pages-not", "no");
  const auto print = Fetch("pages/");
  ASSERT_TRUE(print) << print.error().message;
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_ / "got"), fs::directory_iterator()), 1101);
  EXPECT_EQ(*ReadFile(folder_ / "got/part-1099"), "1099");
  EXPECT_EQ(*ReadFile(folder_ / "got/deep/<&>\".txt"), "odd");
  EXPECT_EQ(*Fetch("pages/"), *print);
  Put("pages/part-7", "8");
  EXPECT_NE(*Fetch("pages/"), *print);
}

TEST_F(RealSource, AnObjectThatChangedSinceItWasListedIsAnError) {
  Put("changed/k", "first");
  const auto page = client_->List({.prefix = "changed/"}, {});
  ASSERT_TRUE(page) << page.error().message;
  ASSERT_EQ(page->objects.size(), 1u);
  const auto read = [&] {
    Client::Range listed;
    listed.etag = page->objects[0].etag;
    return client_->Get("changed/k", listed, [](std::string_view) { return Result<void>(); }, {});
  };
  ASSERT_TRUE(read()) << "the list's ETag is that of the answer";
  Put("changed/k", "other");
  const auto got = read();
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, ErrorKind::kTransient);
  EXPECT_NE(got.error().message.find("changed while it was read"), std::string::npos)
      << got.error().message;
}

TEST_F(RealSource, WithoutKeysAPrivateBucketSaysSo) {
  Put("closed", "1");
  settings_.environment.erase("AWS_ACCESS_KEY_ID");
  settings_.environment.erase("AWS_SECRET_ACCESS_KEY");
  const auto got = Fetch("closed");
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, ErrorKind::kForbidden);
  EXPECT_NE(got.error().message.find("it was asked without keys"), std::string::npos)
      << got.error().message;
  const auto none = Fetch("none/");
  ASSERT_FALSE(none);
}

TEST_F(RealSource, WhatIsNotThereIsSaid) {
  const auto key = Fetch("nothing");
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().kind, ErrorKind::kNotFound);
  const auto folder = Fetch("nothing/");
  ASSERT_FALSE(folder);
  EXPECT_EQ(folder.error().kind, ErrorKind::kNotFound);
  settings_.environment["AWS_SECRET_ACCESS_KEY"] = "wrong";
  EXPECT_EQ(Fetch("nothing").error().kind, ErrorKind::kForbidden);
}

TEST_F(RealSource, SpansOfTimeAreWhatTheirPrefixesHold) {
  for (int i = 0; i < 1100; ++i) Put("spans/2026/01/06/part-" + std::to_string(i), "6");
  Put("spans/2026/01/05/part-0", "5");
  Put("spans/2026/01/07/part-0", "7");
  const auto fetch = [&] {
    fs::remove_all(folder_ / "got");
    return remote::FetchRemoteSpans("s3://" + bucket_.bucket + "/spans/{YYYY}/{MM}/{DD}/?window=2d",
                                    *ParseTime("2026-01-08T00:00:00Z"), folder_ / "got", settings_);
  };
  const auto read = fetch();
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->spans.size(), 2U);
  EXPECT_EQ(read->spans[0].objects.size(), 1100U);
  EXPECT_EQ(*ReadFile(folder_ / "got/2026/01/06/part-1099"), "6");
  EXPECT_EQ(*ReadFile(folder_ / "got/2026/01/07/part-0"), "7");
  EXPECT_FALSE(fs::exists(folder_ / "got/2026/01/05"));
  EXPECT_EQ(fetch()->fingerprint, read->fingerprint);
  Put("spans/2026/01/06/late", "6");
  EXPECT_NE(fetch()->fingerprint, read->fingerprint);
}

}  // namespace
}  // namespace penstock::s3
