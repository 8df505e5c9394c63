#include "operator/gateway/artifact_routes.h"

#include <algorithm>
#include <optional>

#include "operator/artifacts/prediction_store.h"
#include "operator/base/json.h"
#include "operator/base/sha256.h"

namespace penstock::gateway {
namespace {

const std::string kBytes = "application/octet-stream";

std::optional<std::uint64_t> ParseNumber(std::string_view text) {
  if (text.empty() || text.size() > 18 || text.find_first_not_of("0123456789") != text.npos)
    return std::nullopt;
  return std::stoull(std::string(text));
}

// The caller, or an answer has been given.
std::optional<Identity> Caller(const ArtifactRoutes& routes, Exchange& x) {
  const std::string header = x.Header("Authorization");
  const Headers challenge{{"WWW-Authenticate", "Bearer"}};
  if (header.rfind("Bearer ", 0) != 0) {
    RespondError(x, 401, "a bearer token is missing", challenge);
    return std::nullopt;
  }
  auto identity = routes.authenticator->Authenticate(header.substr(7), x.stop());
  if (identity) return *identity;
  if (identity.error().kind == ErrorKind::kForbidden)
    RespondError(x, 401, identity.error().message, challenge);
  else
    RespondError(x, identity.error());
  return std::nullopt;
}

Error TooLarge(std::uint64_t limit) {
  Error e = Invalid("the blob is over this store's limit of " + std::to_string(limit) + " bytes");
  e.kind = ErrorKind::kTooLarge;
  return e;
}

void PutBlob(const ArtifactRoutes& routes, Exchange& x, const std::string& ns,
             const std::string& digest) {
  if (!IsDigest(digest)) return RespondError(x, 400, "the name is no sha256:<64 hex>");
  const auto length = x.ContentLength();
  const std::uint64_t limit = routes.max_blob_bytes;
  if (limit != 0 && length.value_or(0) > limit) return RespondError(x, TooLarge(limit));
  const auto there = routes.store->BlobSize(ns, digest);
  if (x.ExpectsContinue() && length && there && *there == *length)
    return x.Respond(200, kBytes, "");
  auto writer = routes.store->NewBlob(ns);
  if (!writer) return RespondError(x, writer.error());
  for (std::uint64_t received = 0;;) {
    auto piece = x.ReadBody();
    if (!piece) return;  // the connection is gone, and the writer takes its file with it
    if (piece->empty()) break;
    received += piece->size();
    if (limit != 0 && received > limit) return RespondError(x, TooLarge(limit));
    if (auto written = (*writer)->Write(*piece); !written) return RespondError(x, written.error());
  }
  auto done = (*writer)->Commit(digest);
  if (!done) return RespondError(x, done.error());
  x.Respond(there ? 200 : 201, kBytes, "");
}

void GetBlob(const ArtifactRoutes& routes, Exchange& x, const std::string& ns,
             const std::string& digest) {
  auto path = routes.store->BlobPath(ns, digest);
  if (!path) return RespondError(x, path.error());
  auto size = routes.store->BlobSize(ns, digest);
  if (!size) return RespondError(x, size.error());
  const std::string range_header = x.Header("Range");
  auto range = ParseRange(range_header, *size);
  if (!range)
    return RespondError(x, 416, range.error().message,
                        {{"Content-Range", "bytes */" + std::to_string(*size)}});
  Headers headers{{"Content-Type", kBytes},
                  {"Accept-Ranges", "bytes"},
                  {"ETag", "\"" + digest + "\""},
                  {"Cache-Control", "private, max-age=31536000, immutable"}};
  const bool whole = range->length == *size;
  if (!whole)
    headers.emplace_back("Content-Range", "bytes " + std::to_string(range->offset) + "-" +
                                              std::to_string(range->offset + range->length - 1) +
                                              "/" + std::to_string(*size));
  x.RespondFile(whole ? 200 : 206, *path, range->offset, range->length, headers);
}

void VerifyBlob(const ArtifactRoutes& routes, Exchange& x, const std::string& ns,
                const std::string& digest) {
  auto whole = routes.store->Verify(ns, digest);
  if (!whole) return RespondError(x, whole.error());
  x.Respond(200, "application/json", Json{{"whole", *whole}}.dump() + "\n");
}

void PutReceipt(const ArtifactRoutes& routes, Exchange& x, const Identity& caller,
                const PathParameters& p) {
  const std::string& pod = p.at("pod");
  if (!caller.pod_name.empty() && caller.pod_name != pod)
    return RespondError(x, 403,
                        "pod " + caller.pod_name + " may not write the receipt of pod " + pod);
  auto body = ReadWholeBody(x, kMaxTaskConfigBytes);
  if (!body) return RespondError(x, body.error());
  auto receipt = ParseReceipt(*body);
  if (!receipt) return RespondError(x, receipt.error());
  if (receipt->pod != pod || receipt->run_uid != p.at("run"))
    return RespondError(x, 400, "the receipt names another pod or run than the path");
  auto put = routes.store->PutReceipt(caller.namespace_, *receipt);
  if (!put) return RespondError(x, put.error());
  x.Respond(201, "application/json", "{}\n");
}

void GetReceipt(const ArtifactRoutes& routes, Exchange& x, const Identity& caller,
                const PathParameters& p) {
  auto receipt = routes.store->GetReceipt(caller.namespace_, p.at("run"), p.at("pod"));
  if (!receipt && receipt.error().kind == ErrorKind::kNotFound)
    return RespondError(x, 404, "there is no receipt of pod " + p.at("pod"));
  if (!receipt) return RespondError(x, receipt.error());
  x.Respond(200, "application/json", Json(*receipt).dump() + "\n");
}

void PutPredictions(const ArtifactRoutes& routes, Exchange& x, const Identity& caller,
                    const PathParameters& p) {
  auto body = ReadWholeBody(x, artifacts::kMaxPredictionFileBytes);
  if (!body) return RespondError(x, body.error());
  const artifacts::PredictionStore store(routes.store->root());
  auto put = store.Put(caller.namespace_, p.at("deployment"), p.at("file"), *body);
  if (!put) return RespondError(x, put.error());
  x.Respond(201, "application/json", "{}\n");
}

void ListPredictions(const ArtifactRoutes& routes, Exchange& x, const Identity& caller,
                     const PathParameters& p) {
  const artifacts::PredictionStore store(routes.store->root());
  auto files = store.List(caller.namespace_, p.at("deployment"));
  if (!files) return RespondError(x, files.error());
  x.Respond(200, "application/json", artifacts::FormatPredictionFiles(*files) + "\n");
}

void GetPredictions(const ArtifactRoutes& routes, Exchange& x, const Identity& caller,
                    const PathParameters& p) {
  const artifacts::PredictionStore store(routes.store->root());
  auto path = store.Path(caller.namespace_, p.at("deployment"), p.at("file"));
  if (!path) return RespondError(x, path.error());
  std::error_code ec;
  const auto size = std::filesystem::file_size(*path, ec);
  if (ec) return RespondError(x, NotFound("its time was over just now"));
  x.RespondFile(200, *path, 0, size, {{"Content-Type", kBytes}});
}

}  // namespace

Result<ByteRange> ParseRange(const std::string& header, std::uint64_t size) {
  const ByteRange all{0, size};
  if (header.rfind("bytes=", 0) != 0 || header.find(',') != std::string::npos) return all;
  const std::string_view text = std::string_view(header).substr(6);
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return all;
  const auto first = ParseNumber(text.substr(0, dash));
  const auto last = ParseNumber(text.substr(dash + 1));
  if ((!first && dash != 0) || (!last && dash + 1 != text.size()) || (!first && !last)) return all;
  const Error outside = Invalid("the range " + header.substr(0, 80) + " lies outside of " +
                                std::to_string(size) + " bytes");
  if (!first) {  // the last n bytes
    if (*last == 0 || size == 0) return outside;
    const std::uint64_t n = std::min(*last, size);
    return ByteRange{size - n, n};
  }
  if (last && *last < *first) return all;
  if (*first >= size) return outside;
  return ByteRange{*first, std::min(last.value_or(size - 1), size - 1) - *first + 1};
}

void AddArtifactRoutes(Router& router, const ArtifactRoutes& routes) {
  const auto blob = [&](const char* method, const std::string& pattern, auto handle) {
    router.Add(method, pattern, [routes, handle](Exchange& x, const PathParameters& p) {
      if (auto caller = Caller(routes, x)) handle(routes, x, caller->namespace_, p.at("digest"));
    });
  };
  const auto named = [&](const char* method, const std::string& pattern, auto handle) {
    router.Add(method, pattern, [routes, handle](Exchange& x, const PathParameters& p) {
      if (auto caller = Caller(routes, x)) handle(routes, x, *caller, p);
    });
  };
  blob("PUT", "/artifacts/v1/blobs/{digest}", PutBlob);
  blob("GET", "/artifacts/v1/blobs/{digest}", GetBlob);
  blob("POST", "/artifacts/v1/blobs/{digest}/verify", VerifyBlob);
  named("PUT", "/artifacts/v1/receipts/{run}/{pod}", PutReceipt);
  named("GET", "/artifacts/v1/receipts/{run}/{pod}", GetReceipt);
  named("GET", "/artifacts/v1/predictions/{deployment}", ListPredictions);
  named("PUT", "/artifacts/v1/predictions/{deployment}/{file}", PutPredictions);
  named("GET", "/artifacts/v1/predictions/{deployment}/{file}", GetPredictions);
}

}  // namespace penstock::gateway
