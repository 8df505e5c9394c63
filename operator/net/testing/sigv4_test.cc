// Signatures against values of others: those of Amazon's own examples ("Examples: Signature
// Calculations in AWS Signature Version 4", Amazon S3 API reference), and what botocore 1.44.8
// gave for the same requests at the same time.
#include "operator/net/sigv4.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "operator/base/sha256.h"

namespace penstock::net {
namespace {

const SigningKeys kKeys{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", ""};
const SigningScope kUsEast{"us-east-1", "s3"};
const SigningScope kFrankfurt{"eu-central-1", "s3"};

TimePoint At(const char* time) { return ParseTime(time).value(); }

std::string Find(const Headers& headers, const std::string& name) {
  const auto at = std::find_if(headers.begin(), headers.end(),
                               [&](const auto& header) { return header.first == name; });
  return at == headers.end() ? "" : at->second;
}

std::string SignatureOf(const Headers& headers) {
  const std::string text = Find(headers, "Authorization");
  return text.substr(text.rfind('=') + 1);
}

RequestToSign Example(const char* method, const char* path) {
  return {method, "examplebucket.s3.amazonaws.com", path, {}, {}};
}

TEST(SigV4, SignsAmazonsOwnExamples) {
  const TimePoint then = At("2013-05-24T00:00:00Z");
  const std::string empty = Sha256Hex("");

  RequestToSign range = Example("GET", "/test.txt");
  range.headers = {{"Range", "bytes=0-9"}};
  EXPECT_EQ(Find(SignHeaders(range, empty, kKeys, kUsEast, then), "Authorization"),
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
            "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
            "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");

  RequestToSign put = Example("PUT", "/test%24file.text");
  put.headers = {{"Date", "Fri, 24 May 2013 00:00:00 GMT"},
                 {"x-amz-storage-class", "REDUCED_REDUNDANCY"}};
  EXPECT_EQ(SignatureOf(SignHeaders(put, Sha256Hex("Welcome to Amazon S3."), kKeys, kUsEast, then)),
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");

  RequestToSign lifecycle = Example("GET", "/");
  lifecycle.query = {{"lifecycle", ""}};
  EXPECT_EQ(SignatureOf(SignHeaders(lifecycle, empty, kKeys, kUsEast, then)),
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");

  RequestToSign list = Example("GET", "/");
  list.query = {{"prefix", "J"}, {"max-keys", "2"}};
  EXPECT_EQ(SignatureOf(SignHeaders(list, empty, kKeys, kUsEast, then)),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

TEST(SigV4, SignsAmazonsExampleOfAUrl) {
  const std::string query = SignQuery(Example("GET", "/test.txt"), kKeys, kUsEast,
                                      At("2013-05-24T00:00:00Z"), std::chrono::seconds(86400));
  EXPECT_EQ(query,
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524"
            "%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400"
            "&X-Amz-SignedHeaders=host&X-Amz-Signature="
            "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

TEST(SigV4, SignsAmazonsExampleOfABodyInPieces) {
  const TimePoint then = At("2013-05-24T00:00:00Z");
  RequestToSign put = {"PUT", "s3.amazonaws.com", "/examplebucket/chunkObject.txt", {}, {}};
  put.headers = {{"x-amz-storage-class", "REDUCED_REDUNDANCY"},
                 {"Content-Encoding", "aws-chunked"},
                 {"x-amz-decoded-content-length", "66560"},
                 {"Content-Length", "66824"}};
  const Headers headers = SignHeaders(put, kSignedChunks, kKeys, kUsEast, then);
  EXPECT_EQ(SignatureOf(headers),
            "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9");
  ChunkSigner signer(Find(headers, "Authorization"), kKeys, kUsEast, then);
  EXPECT_EQ(signer.HeadOf(std::string(65536, 'a')),
            "10000;chunk-signature="
            "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n");
  EXPECT_EQ(signer.HeadOf(std::string(1024, 'a')),
            "400;chunk-signature="
            "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n");
  EXPECT_EQ(signer.HeadOf(""),
            "0;chunk-signature="
            "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n");
  EXPECT_EQ(SignedChunksSize(66560, 65536), 66824u);
}

TEST(SigV4, AgreesWithBotocoreOnBlanksSpecialLettersAndTemporaryKeys) {
  const TimePoint then = At("2026-11-30T01:02:03Z");
  SigningKeys temporary = kKeys;
  temporary.session_token = "TOKEN/with+signs==";

  RequestToSign put{"PUT", "minio.example:9000", EncodePath("/models/team/blobs/a b/ü+~'"), {}, {}};
  put.headers = {{"If-None-Match", "*"}, {"x-amz-meta-note", "  two   words "}};
  EXPECT_EQ(SignatureOf(SignHeaders(put, Sha256Hex("hello"), temporary, kFrankfurt, then)),
            "51856f84ed90fc3442c45e1e960ef36fe729a88e7de2c8d3a710d69f999bf6bc");

  RequestToSign list{"GET", "minio.example:9000", "/models", {}, {}};
  list.query = {{"list-type", "2"},
                {"prefix", "team/blobs/"},
                {"start-after", "a b&c"},
                {"max-keys", "1000"},
                {"delimiter", "/"}};
  EXPECT_EQ(SignatureOf(SignHeaders(list, Sha256Hex(""), kKeys, kFrankfurt, then)),
            "783bdc87695563cba0d7f6c57d6c2ec48e04ec323df0165c9dab629e271664d6");

  RequestToSign url{"PUT", "minio.example:9000", EncodePath("/models/team/x y"), {}, {}};
  url.headers = {{"x-amz-checksum-sha256", "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="},
                 {"if-none-match", "*"}};
  EXPECT_EQ(SignQuery(url, temporary, kFrankfurt, then, std::chrono::seconds(900)),
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20261130"
            "%2Feu-central-1%2Fs3%2Faws4_request&X-Amz-Date=20261130T010203Z&X-Amz-Expires=900"
            "&X-Amz-Security-Token=TOKEN%2Fwith%2Bsigns%3D%3D"
            "&X-Amz-SignedHeaders=host%3Bif-none-match%3Bx-amz-checksum-sha256&X-Amz-Signature="
            "90dd2f9094d3517e2608f23b48668b6b8a0b23fc6f0c8d2804b1ff4ccd559e1f");
}

TEST(SigV4, LetsNoUrlLiveLongerThanSevenDays) {
  const std::string query = SignQuery(Example("GET", "/x"), kKeys, kUsEast,
                                      At("2013-05-24T00:00:00Z"), std::chrono::hours(24 * 30));
  EXPECT_NE(query.find("X-Amz-Expires=604800&"), query.npos) << query;
}

}  // namespace
}  // namespace penstock::net
