// AWS Signature Version 4 as S3 uses it: signed headers, signed URLs, signed pieces of a body.
// Source: "Authenticating Requests (AWS Signature Version 4)", Amazon S3 API reference. Pure.
//
//   canonical request -> SHA-256 -> string to sign -> HMAC-SHA256 by a key of day, region, service
//
// No error and no log line shows a secret key; nothing here keeps one.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "operator/base/time.h"
#include "operator/net/exchange.h"

namespace penstock::net {

struct SigningKeys {
  std::string access_key;
  std::string secret_key;
  std::string session_token;  // of keys that end; empty = none
};

struct SigningScope {
  std::string region = "us-east-1";
  std::string service = "s3";
};

using QueryParameters = std::vector<std::pair<std::string, std::string>>;  // not encoded

struct RequestToSign {
  std::string method;
  std::string host;  // the header Host as it is sent
  std::string path;  // as it stands on the wire, encoded once, beginning with "/"
  QueryParameters query;
  Headers headers;  // without Host; all of them are signed
};

// What stands for the body's SHA-256 where it is not signed, or is signed piece by piece.
inline constexpr const char* kUnsignedPayload = "UNSIGNED-PAYLOAD";
inline constexpr const char* kUnsignedTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
inline constexpr const char* kSignedChunks = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
inline constexpr std::chrono::seconds kLongestSignedUrl{7 * 24 * 3600};

// "a/b c" -> "a/b%20c": a path with its parts encoded.
[[nodiscard]] std::string EncodePath(std::string_view path);
// "name=value&..." sorted as it is signed.
[[nodiscard]] std::string CanonicalQuery(const QueryParameters& query);

// The headers of a signed request: those of `request`, x-amz-date, x-amz-content-sha256,
// x-amz-security-token and Authorization. `payload_sha256` is 64 hex digits or one of the above.
[[nodiscard]] Headers SignHeaders(const RequestToSign& request, const std::string& payload_sha256,
                                  const SigningKeys& keys, const SigningScope& scope,
                                  TimePoint now);

// The query of a signed URL: whoever sends it until `now + lifetime` (at most seven days) is let
// in, with the headers of `request` exactly as they are. The body is not signed.
[[nodiscard]] std::string SignQuery(const RequestToSign& request, const SigningKeys& keys,
                                    const SigningScope& scope, TimePoint now,
                                    std::chrono::seconds lifetime);

// Signs the pieces of a body that was announced as kSignedChunks: each piece's signature continues
// that of the one before, the first that of the headers. Used by one thread.
class ChunkSigner {
 public:
  // `authorization` is the header that SignHeaders made.
  ChunkSigner(std::string_view authorization, const SigningKeys& keys, const SigningScope& scope,
              TimePoint now);
  // "<hex size>;chunk-signature=<64 hex>\r\n", which stands before the piece; "\r\n" follows it. An
  // empty piece ends the body.
  [[nodiscard]] std::string HeadOf(std::string_view piece);

 private:
  std::string key_;
  std::string begin_;
  std::string previous_;
};

// The bytes that `body` bytes take as chunks of `chunk` bytes under ChunkSigner.
[[nodiscard]] std::uint64_t SignedChunksSize(std::uint64_t body, std::uint64_t chunk);

}  // namespace penstock::net
