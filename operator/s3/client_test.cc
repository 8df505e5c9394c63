#include "operator/s3/client.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "operator/base/sha256.h"
#include "operator/s3/probe.h"
#include "operator/s3/testing/fake_s3.h"

namespace penstock::s3 {
namespace {

const SystemClock kClock;

bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

class S3Client : public testing::Test {
 protected:
  FakeS3 store_;
  std::unique_ptr<Client> client_ = store_.MakeClient();

  // Fails the first `times` requests of that method.
  void Fail(const std::string& method, int times, const FakeFault& fault) {
    store_.OnRequest([=, left = times](const std::string& m, const std::string&) mutable {
      return m == method && left-- > 0 ? std::optional(fault) : std::nullopt;
    });
  }
};

TEST_F(S3Client, GivesBackWhatItPutInRangesToo) {
  const std::string key = "team/a b/ü+~'.csv";
  ASSERT_TRUE(client_->Put(key, BodyOf("0123456789"), {}, {}));
  EXPECT_EQ(store_.Bytes(key), "0123456789");
  EXPECT_EQ(client_->Head(key, {})->size, 10u);
  EXPECT_EQ(*client_->GetText(key, 100, {}), "0123456789");
  std::string part;
  const auto got = client_->Get(key, {3, 4},
                                [&](std::string_view bytes) -> Result<void> {
                                  part += bytes;
                                  return {};
                                },
                                {});
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(part, "3456");
  EXPECT_EQ(got->size, 10u) << "of the object, not of its part";
  ASSERT_TRUE(client_->Delete(key, {}));
  EXPECT_EQ(client_->Head(key, {}).error().kind, ErrorKind::kNotFound);
  EXPECT_TRUE(client_->Delete(key, {})) << "what has gone has gone";
}

TEST_F(S3Client, NamesBucketKeyCodeRequestAndWhatToDo) {
  store_.SetKeys({"fake-access", "another", ""});
  const auto put = client_->Put("team/x", BodyOf("x"), {}, {});
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().kind, ErrorKind::kForbidden);
  for (const char* part : {"PUT s3://models/team/x", "403 SignatureDoesNotMatch", "FAKE-1",
                           "AWS_SECRET_ACCESS_KEY", "region"})
    EXPECT_TRUE(Has(put.error().message, part)) << part << ": " << put.error().message;
  EXPECT_FALSE(Has(put.error().message, "fake-secret"));
}

TEST_F(S3Client, TriesAgainWhatPassesByItselfAndNoMore) {
  Fail("PUT", 3, {});
  ASSERT_TRUE(client_->Put("k", BodyOf("value"), {}, {}));
  EXPECT_EQ(store_.Bytes("k"), "value");
  Fail("PUT", 100, {.status = 500, .code = "InternalError", .after_body = true});
  const auto put = client_->Put("l", BodyOf("value"), {}, {});
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().kind, ErrorKind::kTransient);
  const auto log = store_.log();
  EXPECT_EQ(std::count(log.begin(), log.end(), "PUT l"), 6);
  Fail("PUT", 100, {.status = 403, .code = "AccessDenied"});
  EXPECT_FALSE(client_->Put("m", BodyOf("value"), {}, {}));
  const auto after = store_.log();
  EXPECT_EQ(std::count(after.begin(), after.end(), "PUT m"), 1) << "that stays as it is";
}

TEST_F(S3Client, SendsABodyOnceWhereItCannotBeginAgain) {
  Fail("PUT", 1, {});
  Body body = BodyOf("value");
  body.rewind = {};
  const auto put = client_->Put("k", body, {}, {});
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().kind, ErrorKind::kOverloaded);
  EXPECT_EQ(store_.log().size(), 1u);
}

TEST_F(S3Client, GoesOnWithADownloadThatBrokeWithoutAByteTwice) {
  std::string bytes;
  for (int i = 0; i < 300'000; ++i) bytes += static_cast<char>('a' + i % 23);
  store_.SetBytes("k", bytes);
  Fail("GET", 2, {.cut_after = 100'000});
  const auto got = client_->GetText("k", 1 << 20, {});
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(*got, bytes);
}

TEST_F(S3Client, DoesNotMixTwoVersionsOfAnObjectIntoOneDownload) {
  store_.SetBytes("k", std::string(200'000, 'a'));
  store_.OnRequest([&, first = true](const std::string& method,
                                     const std::string&) mutable -> std::optional<FakeFault> {
    if (method != "GET" || !std::exchange(first, false)) return std::nullopt;
    return FakeFault{.cut_after = 50'000};
  });
  std::size_t got = 0;
  const auto read = client_->Get("k", {},
                                 [&](std::string_view piece) -> Result<void> {
                                   if (got == 0) store_.SetBytes("k", std::string(200'000, 'b'));
                                   got += piece.size();
                                   return {};
                                 },
                                 {});
  ASSERT_FALSE(read);
  EXPECT_TRUE(Has(read.error().message, "changed")) << read.error().message;
}

TEST_F(S3Client, ListsByKeyInPagesAndByFolder) {
  for (const char* key : {"n/a/1", "n/a/2", "n/b/1", "n/c", "o/d"}) store_.SetBytes(key, "x");
  const auto first = client_->List({.prefix = "n/", .most = 2}, {});
  ASSERT_TRUE(first) << first.error().message;
  ASSERT_EQ(first->objects.size(), 2u);
  EXPECT_EQ(first->objects[1].key, "n/a/2");
  EXPECT_EQ(first->objects[1].size, 1u);
  EXPECT_FALSE(first->next.empty());
  const auto behind = client_->List({.prefix = "n/", .after = "n/a/2"}, {});
  ASSERT_EQ(behind->objects.size(), 2u);
  EXPECT_EQ(behind->objects[0].key, "n/b/1");
  EXPECT_TRUE(behind->next.empty());
  std::vector<std::string> folders;
  for (std::string token;;) {
    const auto page =
        client_->List({.prefix = "n/", .delimiter = "/", .token = token, .most = 1}, {});
    ASSERT_TRUE(page);
    folders.insert(folders.end(), page->prefixes.begin(), page->prefixes.end());
    if (page->next.empty()) break;
    token = page->next;
  }
  EXPECT_EQ(folders, (std::vector<std::string>{"n/a/", "n/b/"}));
}

TEST_F(S3Client, ATruncatedListWithoutAWayOnIsNoWholeList) {
  const std::string entry =
      "<IsTruncated>true</IsTruncated>"
      "<Contents><Key>n/a</Key><Size>1</Size></Contents>";
  store_.SetList("<ListBucketResult>" + entry + "<NextMarker>n/a</NextMarker></ListBucketResult>");
  const auto old = client_->List({.prefix = "n/"}, {});
  ASSERT_FALSE(old) << "a store of list-type=1: the rest would be left out";
  EXPECT_TRUE(Has(old.error().message, "does not answer list-type=2: there is more, and no token"))
      << old.error().message;
  EXPECT_FALSE(PassesByItself(old.error().kind));
  store_.SetList("<ListBucketResult>" + entry +
                 "<NextContinuationToken>t</NextContinuationToken></ListBucketResult>");
  ASSERT_TRUE(client_->List({.prefix = "n/"}, {}));
  const auto again = client_->List({.prefix = "n/", .token = "t"}, {});
  ASSERT_FALSE(again) << "it would never end";
  EXPECT_TRUE(Has(again.error().message, "the token of this page")) << again.error().message;
}

TEST_F(S3Client, ATruncatedListOfUploadsOrPartsWithoutAWayOnIsNoWholeList) {
  const auto id = client_->BeginUpload("k", false, {});
  ASSERT_TRUE(id);
  store_.SetList("<ListResult><IsTruncated>true</IsTruncated></ListResult>");
  const auto uploads = client_->Uploads("", {});
  ASSERT_FALSE(uploads);
  EXPECT_TRUE(Has(uploads.error().message, "no NextKeyMarker")) << uploads.error().message;
  const auto parts = client_->Parts("k", *id, {});
  ASSERT_FALSE(parts);
  EXPECT_TRUE(Has(parts.error().message, "no NextPartNumberMarker")) << parts.error().message;
}

TEST_F(S3Client, LeavesWhatIsThereAloneWhereAskedTo) {
  ASSERT_TRUE(client_->Put("k", BodyOf("first"), {.only_new = true}, {}));
  const auto second = client_->Put("k", BodyOf("second"), {.only_new = true}, {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::kAlreadyExists);
  EXPECT_EQ(store_.Bytes("k"), "first");
}

TEST_F(S3Client, IsHeldToTheDigestThatItSigned) {
  Body body = BodyOf("value");
  body.sha256 = Sha256Hex("other");
  const auto put = client_->Put("k", body, {}, {});
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().kind, ErrorKind::kDamaged) << put.error().message;
  EXPECT_FALSE(store_.Bytes("k"));
}

TEST_F(S3Client, AFullStoreIsToldByThatName) {
  FakeS3 small({.quota = 10});
  const auto put = small.MakeClient()->Put("k", BodyOf("0123456789abc"), {}, {});
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().kind, ErrorKind::kNoSpace);
  EXPECT_TRUE(Has(put.error().message, "quota")) << put.error().message;
  EXPECT_EQ(small.log().size(), 1u) << "no room does not come by itself within seconds";
}

TEST_F(S3Client, SignsAUrlThatDoesThisOneThingForAWhile) {
  store_.SetBytes("team/x y", "content");
  const auto url = client_->Sign("GET", "team/x y", {}, std::chrono::seconds(60), {});
  ASSERT_TRUE(url) << url.error().message;
  const auto send = [](const std::string& method, const std::string& text,
                       const net::Headers& headers) {
    const auto parsed = net::ParseUrl(text);
    auto http = net::HttpClient::Make(parsed->Base(), {});
    net::HttpRequest request;
    request.method = method;
    request.target = parsed->target;
    request.headers = headers;
    return (*http)->Send(request, {});
  };
  EXPECT_EQ(send("GET", url->url, url->headers)->body, "content");
  EXPECT_EQ(send("DELETE", url->url, url->headers)->status, 403);
  std::string other = url->url;
  other.replace(other.find("x%20y"), 5, "x%20z");
  EXPECT_EQ(send("GET", other, url->headers)->status, 403);
  const auto put =
      client_->Sign("PUT", "team/n", {{"if-none-match", "*"}}, std::chrono::seconds(60), {});
  EXPECT_EQ(send("PUT", put->url, {})->status, 403) << "the header is part of what was signed";
  EXPECT_EQ(send("PUT", put->url, put->headers)->status, 200);
  EXPECT_EQ(send("PUT", put->url, put->headers)->status, 412);
}

TEST_F(S3Client, FindsOutWhatAStoreKeeps) {
  const auto all = Probe(*client_, "p/", {});
  ASSERT_TRUE(all) << all.error().message;
  EXPECT_TRUE(all->conditional_put && all->checks_sha256 && all->keeps_crc32c);
  FakeS3 plain({.conditional = false, .checks_sha256 = false, .keeps_crc32c = false});
  const auto none = Probe(*plain.MakeClient(), "p/", {});
  ASSERT_TRUE(none) << none.error().message;
  EXPECT_FALSE(none->conditional_put || none->checks_sha256 || none->keeps_crc32c);
  FakeS3 strict({.conditional = false,
                 .checks_sha256 = false,
                 .keeps_crc32c = false,
                 .knows_headers = false});
  const auto refused = Probe(*strict.MakeClient(), "p/", {});
  ASSERT_TRUE(refused) << refused.error().message;
  EXPECT_FALSE(refused->conditional_put || refused->checks_sha256 || refused->keeps_crc32c)
      << "a header that is refused for itself is no promise";
  EXPECT_TRUE(plain.Keys().empty()) << "its object has gone";
  store_.SetKeys({"someone", "else", ""});
  EXPECT_FALSE(Probe(*client_, "p/", {})) << "without keys nothing can be found out";
}

TEST(S3ClientSettings, NamesTheOneThatCannotBe) {
  const auto make = [](BucketSettings settings) {
    return Client::Make(std::move(settings), FixedKeys({"a", "b", ""}), kClock);
  };
  EXPECT_TRUE(Has(make({.endpoint = "http://h", .bucket = "A"}).error().message, "bucket 'A'"));
  EXPECT_TRUE(Has(make({.endpoint = "ftp://h", .bucket = "abc"}).error().message, "endpoint"));
  EXPECT_TRUE(Has(make({.endpoint = "http://h/p", .bucket = "abc"}).error().message, "path"));
  EXPECT_TRUE(
      Has(make({.endpoint = "https://h", .bucket = "a.bc", .path_style = false}).error().message,
          "pathStyle"));
  auto aws = make({.bucket = "abc", .region = "eu-west-3", .path_style = false});
  ASSERT_TRUE(aws);
  const auto url = (*aws)->Sign("GET", "k", {}, std::chrono::seconds(1), {});
  EXPECT_EQ(url->url.substr(0, url->url.find('?')), "https://abc.s3.eu-west-3.amazonaws.com/k");
}

}  // namespace
}  // namespace penstock::s3
