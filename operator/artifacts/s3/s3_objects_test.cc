#include "operator/artifacts/s3/s3_objects.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "operator/artifacts/s3/checked_source.h"
#include "operator/artifacts/store.h"
#include "operator/base/sha256.h"
#include "operator/s3/testing/fake_s3.h"

namespace penstock::artifacts {
namespace {

std::string DigestOf(const std::string& text) { return "sha256:" + Sha256Hex(text); }

ByteSource Once(const std::string& text) {
  return [text, sent = false]() mutable {
    return Result<std::string_view>(std::exchange(sent, true) ? std::string_view() : text);
  };
}

class S3ObjectsTest : public testing::Test {
 protected:
  static S3ObjectsSettings Settings() {
    S3ObjectsSettings settings;
    settings.prefix = "p/";
    settings.scratch = std::filesystem::path(testing::TempDir()) / "s3_objects_scratch";
    settings.link_ca_pem = "the CA";
    return settings;
  }
  s3::FakeS3 fake_;
  S3Objects objects_{fake_.MakeClient(), Settings()};
};

TEST_F(S3ObjectsTest, StandUnderTheirPrefixAndNamespace) {
  ASSERT_TRUE(objects_.PutBlob("ns", DigestOf("x"), 1, Once("x")));
  EXPECT_EQ(fake_.Keys(), std::vector<std::string>{"p/" + BlobKey("ns", DigestOf("x"))});
}

TEST_F(S3ObjectsTest, WriteABlobOnceWhereTheStoreKeepsThat) {
  const std::string key = "p/" + BlobKey("ns", DigestOf("x"));
  ASSERT_TRUE(objects_.PutBlob("ns", DigestOf("x"), 1, Once("x")));
  fake_.SetBytes(key, "y");  // so that a second write would be seen
  ASSERT_TRUE(objects_.PutBlob("ns", DigestOf("x"), 1, Once("x")));
  EXPECT_EQ(fake_.Bytes(key), "y");
  const auto log = fake_.log();
  EXPECT_EQ(std::count(log.begin(), log.end(), "PUT " + key), 2);
}

TEST_F(S3ObjectsTest, BringNothingHereThatWouldTakeTheVolumesReserve) {
  S3ObjectsSettings full = Settings();
  full.scratch += "_full";
  full.room = Room([] {
    return Result<VolumeSpace>(
        VolumeSpace{.size = 10ULL << 30, .free = 10ULL << 20, .files = 0, .free_files = 0});
  });
  const S3Objects objects(fake_.MakeClient(), full);
  fake_.SetBytes("p/ns/blobs/ab/x", std::string(3 << 20, 'x'));
  const auto local = objects.Local("ns/blobs/ab/x");
  ASSERT_FALSE(local);
  EXPECT_EQ(local.error().kind, ErrorKind::kNoSpace);
  EXPECT_TRUE(std::filesystem::is_empty(full.scratch));
}

TEST_F(S3ObjectsTest, NeedTheLengthOfABlob) {
  const auto put = objects_.PutBlob("ns", DigestOf("x"), std::nullopt, Once("x"));
  ASSERT_FALSE(put);
  EXPECT_NE(put.error().message.find("Content-Length"), std::string::npos);
}

TEST_F(S3ObjectsTest, AreAskedWhatTheyKeepOnceAndAgainAfterATrouble) {
  fake_.OnRequest([](const std::string&, const std::string&) {
    return std::optional(s3::FakeFault{.status = 403, .code = "AccessDenied"});
  });
  const auto denied = objects_.Look();
  ASSERT_FALSE(denied);
  EXPECT_NE(denied.error().message.find("s3:PutObject"), std::string::npos);
  fake_.OnRequest({});
  const auto seen = objects_.Look();
  ASSERT_TRUE(seen) << seen.error().message;
  EXPECT_NE(seen->find("s3://models/p/"), std::string::npos) << *seen;
  EXPECT_NE(seen->find("conditional puts yes"), std::string::npos) << *seen;
  const std::size_t asked = fake_.log().size();
  ASSERT_TRUE(objects_.Look());
  EXPECT_EQ(fake_.log().size(), asked);
}

// Sends with what a link says, and nothing else.
net::HttpResponse Follow(const std::string& method, const Link& link, const std::string& body,
                         const std::string& url = "") {
  const auto parsed = net::ParseUrl(url.empty() ? link.url : url);
  auto http = net::HttpClient::Make(parsed->Base(), {});
  net::HttpRequest request;
  request.method = method;
  request.target = parsed->target;
  request.headers = link.headers;
  request.body = body;
  auto answer = (*http)->Send(request, {});
  EXPECT_TRUE(answer) << answer.error().message;
  return answer ? *answer : net::HttpResponse{};
}

TEST_F(S3ObjectsTest, GiveALinkThatReadsOneBlobAndDoesNothingElse) {
  ASSERT_TRUE(objects_.PutBlob("ns", DigestOf("x"), 1, Once("x")));
  ASSERT_TRUE(objects_.PutBlob("ns", DigestOf("other"), 5, Once("other")));
  const auto link = objects_.LinkToRead("ns", DigestOf("x"));
  ASSERT_TRUE(link && *link);
  EXPECT_EQ((*link)->ca_pem, "the CA");
  EXPECT_EQ((*link)->lifetime, std::chrono::minutes(15));
  EXPECT_EQ(Follow("GET", **link, "").body, "x");
  EXPECT_EQ(Follow("PUT", **link, "y").status, 403);
  EXPECT_EQ(Follow("DELETE", **link, "").status, 403);
  std::string url = (*link)->url;
  const std::string mine = BlobKey("ns", DigestOf("x"));
  url.replace(url.find(mine), mine.size(), BlobKey("ns", DigestOf("other")));
  EXPECT_EQ(Follow("GET", **link, "", url).status, 403);
}

TEST_F(S3ObjectsTest, GiveALinkThatLetsTheseBytesInAndNoOthers) {
  const auto link = objects_.LinkToWrite("ns", DigestOf("x"), 1);
  ASSERT_TRUE(link && *link);
  EXPECT_EQ(Follow("PUT", **link, "y").status, 400) << "other bytes under this name";
  Link stripped = **link;
  stripped.headers.clear();
  EXPECT_EQ(Follow("PUT", stripped, "y").status, 403) << "without the checksum";
  EXPECT_EQ(Follow("GET", **link, "").status, 403);
  const auto less = objects_.LinkToWrite("ns", DigestOf("xyz"), 1);
  ASSERT_TRUE(less && *less);
  EXPECT_EQ(Follow("PUT", **less, "xyz").status, 403) << "a size that was not asked for";
  EXPECT_EQ(Follow("PUT", **link, "x").status, 200);
  EXPECT_EQ(Follow("PUT", **link, "x").status, 412) << "written once";
  EXPECT_EQ(fake_.Bytes("p/" + BlobKey("ns", DigestOf("x"))), "x");
}

TEST_F(S3ObjectsTest, GiveNoLinkToWriteWhereTheStoreWouldTakeAnyBytes) {
  s3::FakeS3 plain({.checks_sha256 = false});
  const S3Objects objects(plain.MakeClient(), Settings());
  const auto link = objects.LinkToWrite("ns", DigestOf("x"), 1);
  ASSERT_TRUE(link) << link.error().message;
  EXPECT_FALSE(*link);
  EXPECT_FALSE(*objects_.LinkToWrite("ns", DigestOf("x"), 6ULL << 30)) << "over one request";
  S3ObjectsSettings none = Settings();
  none.links = false;
  const S3Objects through_us(fake_.MakeClient(), none);
  EXPECT_FALSE(*through_us.LinkToRead("ns", DigestOf("x")));
  EXPECT_FALSE(*through_us.LinkToWrite("ns", DigestOf("x"), 1));
}

TEST_F(S3ObjectsTest, SweepUploadsThatNobodyGoesOnWithAndNoYoungOnes) {
  const auto client = fake_.MakeClient();
  ASSERT_TRUE(client->BeginUpload("p/ns/blobs/ab/x", false, {}));
  const auto removed = objects_.RemoveLeftovers(std::chrono::minutes(10));
  ASSERT_TRUE(removed) << removed.error().message;
  EXPECT_EQ(*removed, 0) << "a large file takes its time";
  EXPECT_EQ(fake_.uploads(), 1U);
}

TEST(PieceCutter, CutsPartsAcrossThePiecesOfItsSource) {
  std::vector<std::string> pieces{"abcde", "fg", "hijklmno", ""};
  std::size_t at = 0;
  const ByteSource source = [&] { return Result<std::string_view>(pieces[at++]); };
  PieceCutter cutter(source);
  std::vector<std::string> parts;
  for (int i = 0; i < 4; ++i) {
    std::string part;
    for (std::uint64_t left = 4;;) {
      const auto piece = cutter.Next(left);
      ASSERT_TRUE(piece);
      if (piece->empty()) break;
      part += *piece;
    }
    parts.push_back(part);
  }
  EXPECT_EQ(parts, (std::vector<std::string>{"abcd", "efgh", "ijkl", "mno"}));
}

}  // namespace
}  // namespace penstock::artifacts
