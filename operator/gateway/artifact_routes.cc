#include "operator/gateway/artifact_routes.h"

#include <algorithm>
#include <optional>

#include "operator/artifacts/prediction_store.h"
#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/base/sha256.h"
#include "operator/base/try.h"
#include "operator/protocol/step_metrics.h"

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
  if (identity) {
    x.CallerIsKnown();
    return *identity;
  }
  if (identity.error().kind == ErrorKind::kForbidden)
    RespondError(x, 401, identity.error().message, challenge);
  else
    RespondError(x, identity.error());
  return std::nullopt;
}

// False, and an answer has been given, where the caller is a step that may not.
bool MayRead(const ArtifactRoutes& routes, Exchange& x, const Identity& caller,
             const std::string& digest) {
  if (routes.grants == nullptr) return true;
  const auto may = routes.grants->MayRead(caller, digest, x.stop());
  if (!may) {
    RespondError(x, may.error());
  } else if (!*may) {
    RespondError(x, 403,
                 "pod " + caller.pod_name + " may read its own inputs, and " +
                     digest.substr(0, 80) + " is none of them");
  }
  return may && *may;
}

// The same of what no step has to do with.
bool IsNoStep(const ArtifactRoutes& routes, Exchange& x, const Identity& caller) {
  if (routes.grants == nullptr) return true;
  const auto step = routes.grants->IsStep(caller, x.stop());
  if (!step) {
    RespondError(x, step.error());
  } else if (*step) {
    RespondError(x, 403, "pod " + caller.pod_name + " is a step's, which reads its inputs alone");
  }
  return step && !*step;
}

// That our own folder is closed to us is our fault, and nothing that the caller may not do.
void RespondStoreError(Exchange& x, Error error) {
  if (error.kind == ErrorKind::kForbidden) error.kind = ErrorKind::kInternal;
  RespondError(x, error);
}

Error TooLarge(const std::string& what, std::uint64_t limit) {
  Error e =
      Invalid("the " + what + " is over this store's limit of " + std::to_string(limit) + " bytes");
  e.kind = ErrorKind::kTooLarge;
  return e;
}

// The body as it comes in, of at most `limit` bytes (0: any number).
class IncomingBody {
 public:
  IncomingBody(Exchange& x, const char* what, std::uint64_t limit)
      : x_(x), what_(what), limit_(limit) {}

  Result<std::string_view> Next() {
    auto piece = x_.ReadBody();
    gone_ = gone_ || !piece;
    if (!piece) return piece;
    received_ += piece->size();
    if (limit_ != 0 && received_ > limit_) return TooLarge(what_, limit_);
    return piece;
  }
  // The connection is gone, and no answer can be given.
  [[nodiscard]] bool gone() const { return gone_; }

 private:
  Exchange& x_;
  const char* const what_;
  const std::uint64_t limit_;
  std::uint64_t received_ = 0;
  bool gone_ = false;
};

// Whether the blob is there with this size, and stays for who is told so.
Result<bool> IsThere(const artifacts::Store& store, const std::string& ns,
                     const std::string& digest, std::uint64_t bytes) {
  PENSTOCK_ASSIGN(const auto size, store.UseBlob(ns, digest));
  return size == bytes;
}

void PutBlob(const ArtifactRoutes& routes, Exchange& x, const std::string& ns,
             const std::string& digest) {
  if (!IsDigest(digest)) return RespondError(x, 400, "the name is no sha256:<64 hex>");
  const auto length = x.ContentLength();
  const std::uint64_t limit = routes.max_blob_bytes;
  if (limit != 0 && length.value_or(0) > limit) return RespondError(x, TooLarge("blob", limit));
  const auto there = routes.store->BlobSize(ns, digest);
  if (!there && there.error().kind != ErrorKind::kNotFound)
    return RespondStoreError(x, there.error());
  Result<bool> same = false;
  if (length && there) same = IsThere(*routes.store, ns, digest, *length);
  if (!same) return RespondStoreError(x, same.error());
  if (x.ExpectsContinue() && *same) return x.Respond(200, kBytes, "");
  // Before the first byte: 20 GiB that cannot stay need not come.
  if (auto room = routes.store->HasRoomFor(ns, length.value_or(0)); !room) {
    if (!*same) return RespondStoreError(x, room.error());
    while (true) {
      const auto piece = x.ReadBody();
      if (!piece) return;  // the connection is gone
      if (piece->empty()) return x.Respond(200, kBytes, "");
    }
  }
  IncomingBody body(x, "blob", limit);
  const auto stored = routes.store->PutBlob(ns, digest, length, [&] { return body.Next(); });
  if (body.gone()) return;
  // The file of one that is refused has gone when he is told.
  if (!stored) return RespondStoreError(x, stored.error());
  x.Respond(there ? 200 : 201, kBytes, "");
}

void GetBlob(const ArtifactRoutes& routes, Exchange& x, const std::string& ns,
             const std::string& digest) {
  auto size = routes.store->BlobSize(ns, digest);
  if (!size) return RespondStoreError(x, size.error());
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
  const int status = whole ? 200 : 206;
  const auto given = RespondBlob(x, *routes.store, ns, digest, status, *range, headers);
  if (!given) RespondStoreError(x, given.error());
}

void VerifyBlob(const ArtifactRoutes& routes, Exchange& x, const std::string& ns,
                const std::string& digest) {
  auto whole = routes.store->Verify(ns, digest);
  if (!whole) return RespondStoreError(x, whole.error());
  x.Respond(200, "application/json", Json{{"whole", *whole}}.dump() + "\n");
}

// Invalid names the first output that the receipt calls a folder and that is none: whoever would
// read it finds out now. Reads the beginnings only.
Result<void> CheckFolders(const artifacts::Store& store, const std::string& ns,
                          const Receipt& receipt) {
  for (const OutputRecord& output : receipt.outputs) {
    if (!output.artifact.folder) continue;
    auto good = store.CheckFolder(ns, output.artifact.digest);
    if (good || good.error().kind == ErrorKind::kNotFound) continue;  // who reads it is told
    if (good.error().kind != ErrorKind::kInvalid) return good;
    return Wrap("the receipt's output '" + output.name.substr(0, 80) +
                    "' is called a folder: " + output.artifact.digest,
                good.error());
  }
  return {};
}

// {"url": ..., "headers": {...}, "ca": ..., "seconds": 900}; {} where the bytes go through here.
void RespondLink(Exchange& x, const Result<std::optional<artifacts::Link>>& link) {
  if (!link) return RespondStoreError(x, link.error());
  Json answer = Json::object();
  if (*link) {
    Json headers = Json::object();
    for (const auto& [name, value] : (*link)->headers) headers[name] = value;
    answer = {{"url", (*link)->url},
              {"headers", headers},
              {"ca", (*link)->ca_pem},
              {"seconds", (*link)->lifetime.count()}};
  }
  x.Respond(200, "application/json", answer.dump() + "\n", {{"Cache-Control", "no-store"}});
}

void LinkToRead(const ArtifactRoutes& routes, Exchange& x, const std::string& ns,
                const std::string& digest) {
  if (const auto size = routes.store->BlobSize(ns, digest); !size)
    return RespondStoreError(x, size.error());
  RespondLink(x, routes.store->LinkToRead(ns, digest));
}

// {"stored": true} where it is there already.
void LinkToWrite(const ArtifactRoutes& routes, Exchange& x, const std::string& ns,
                 const std::string& digest) {
  if (!IsDigest(digest)) return RespondError(x, 400, "the name is no sha256:<64 hex>");
  const std::string query = x.query();
  const auto bytes = ParseNumber(query.rfind("bytes=", 0) == 0 ? query.substr(6) : "");
  if (!bytes) return RespondError(x, 400, "the query must be bytes=<the blob's size>");
  const std::uint64_t limit = routes.max_blob_bytes;
  if (limit != 0 && *bytes > limit) return RespondError(x, TooLarge("blob", limit));
  const auto there = IsThere(*routes.store, ns, digest, *bytes);
  if (!there) return RespondStoreError(x, there.error());
  if (*there) return x.Respond(200, "application/json", Json{{"stored", true}}.dump() + "\n");
  RespondLink(x, routes.store->LinkToWrite(ns, digest, *bytes));
}

void PutReceipt(const ArtifactRoutes& routes, Exchange& x, const Identity& caller,
                const PathParameters& p) {
  const std::string& pod = p.at("pod");
  if (!caller.pod_name.empty() && caller.pod_name != pod)
    return RespondError(x, 403,
                        "pod " + caller.pod_name + " may not write the receipt of pod " + pod);
  BodyBudget::Held held(*routes.bodies, caller.namespace_);
  auto body = ReadWholeBody(x, kMaxReceiptBytes, [&](std::size_t n) { return held.Hold(n); });
  if (!body) return RespondError(x, body.error());
  auto receipt = ParseReceipt(*body);
  if (!receipt) return RespondStoreError(x, receipt.error());
  if (receipt->pod != pod || receipt->run_uid != p.at("run"))
    return RespondError(x, 400, "the receipt names another pod or run than the path");
  if (auto good = CheckFolders(*routes.store, caller.namespace_, *receipt); !good)
    return RespondStoreError(x, good.error());
  auto put = routes.store->PutReceipt(caller.namespace_, *receipt);
  if (!put) return RespondStoreError(x, put.error());
  x.Respond(201, "application/json", "{}\n");
}

void GetReceipt(const ArtifactRoutes& routes, Exchange& x, const Identity& caller,
                const PathParameters& p) {
  auto receipt = routes.store->GetReceipt(caller.namespace_, p.at("run"), p.at("pod"));
  if (!receipt && receipt.error().kind == ErrorKind::kNotFound)
    return RespondError(x, 404, "there is no receipt of pod " + p.at("pod"));
  if (!receipt) return RespondStoreError(x, receipt.error());
  x.Respond(200, "application/json", Json(*receipt).dump() + "\n");
}

void PutMetrics(const ArtifactRoutes& routes, Exchange& x, const Identity& caller,
                const PathParameters& p) {
  const std::string& pod = p.at("pod");
  if (!caller.pod_name.empty() && caller.pod_name != pod)
    return RespondError(x, 403,
                        "pod " + caller.pod_name + " may not write the metrics of pod " + pod);
  BodyBudget::Held held(*routes.bodies, caller.namespace_);
  auto body = ReadWholeBody(x, kMaxMetricsBytes, [&](std::size_t n) { return held.Hold(n); });
  if (!body) return RespondError(x, body.error());
  const auto metrics = StepMetrics::Parse(*body);
  if (!metrics) return RespondError(x, metrics.error());
  // As it is bounded, and not as it was written: whoever looks at the run reads it again.
  const std::string text = metrics->Format();
  if (auto room = routes.store->HasVolumeRoomFor(text.size()); !room)
    return RespondStoreError(x, room.error());
  auto put = routes.store->PutMetrics(caller.namespace_, p.at("run"), pod, text);
  if (!put) return RespondStoreError(x, put.error());
  x.Respond(201, "application/json", "{}\n");
}

void PutPredictions(const ArtifactRoutes& routes, Exchange& x, const Identity& caller,
                    const PathParameters& p) {
  const std::uint64_t limit = p.at("file").ends_with(".requests")
                                  ? artifacts::kMaxRequestsFileBytes
                                  : artifacts::kMaxPredictionFileBytes;
  if (x.ContentLength().value_or(0) > limit) return RespondError(x, TooLarge("file", limit));
  if (auto room = routes.store->room().For(x.ContentLength().value_or(0)); !room)
    return RespondStoreError(x, room.error());
  const artifacts::PredictionStore store(routes.store->root(), routes.store->room());
  IncomingBody body(x, "file", limit);
  const auto stored = [&]() -> Result<void> {
    auto file = store.NewFile(caller.namespace_, p.at("deployment"), p.at("file"));
    if (!file) return file.error();
    while (true) {
      PENSTOCK_ASSIGN(const std::string_view piece, body.Next());
      if (piece.empty()) return file->Commit();
      PENSTOCK_TRY(file->Write(piece));
    }
  }();
  if (body.gone()) return;
  if (!stored) return RespondStoreError(x, stored.error());
  x.Respond(201, "application/json", "{}\n");
}

void ListPredictions(const ArtifactRoutes& routes, Exchange& x, const Identity& caller,
                     const PathParameters& p) {
  const artifacts::PredictionStore store(routes.store->root());
  auto files = store.List(caller.namespace_, p.at("deployment"));
  if (!files) return RespondStoreError(x, files.error());
  x.Respond(200, "application/json", artifacts::FormatPredictionFiles(*files) + "\n");
}

void GetPredictions(const ArtifactRoutes& routes, Exchange& x, const Identity& caller,
                    const PathParameters& p) {
  const artifacts::PredictionStore store(routes.store->root());
  auto path = store.Path(caller.namespace_, p.at("deployment"), p.at("file"));
  if (!path) return RespondStoreError(x, path.error());
  const auto size = SizeOfFile(*path);
  if (!size) return RespondStoreError(x, size.error());
  if (!*size) return RespondError(x, NotFound("its time was over just now"));
  x.RespondFile(200, *path, 0, **size, {{"Content-Type", kBytes}});
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

Result<void> RespondBlob(Exchange& x, const artifacts::Store& store, const std::string& ns,
                         const std::string& digest, int status, const ByteRange& range,
                         const Headers& headers) {
  const auto path = store.BlobPath(ns, digest);
  if (path) {
    x.RespondFile(status, *path, range.offset, range.length, headers);
    return {};
  }
  if (path.error().kind != ErrorKind::kUnsupported) return path.error();
  x.RespondStream(status, range.length, headers, [&](const Exchange::Take& take) {
    return store.ReadBlob(ns, digest, range.offset, range.length, take);
  });
  return {};
}

void AddArtifactRoutes(Router& router, const ArtifactRoutes& routes) {
  const auto blob = [&](const char* method, const std::string& pattern, auto handle) {
    router.Add(method, pattern, [routes, handle](Exchange& x, const PathParameters& p) {
      if (auto caller = Caller(routes, x)) handle(routes, x, caller->namespace_, p.at("digest"));
    });
  };
  const auto reading = [&](const char* method, const std::string& pattern, auto handle) {
    router.Add(method, pattern, [routes, handle](Exchange& x, const PathParameters& p) {
      const auto caller = Caller(routes, x);
      if (caller && MayRead(routes, x, *caller, p.at("digest")))
        handle(routes, x, caller->namespace_, p.at("digest"));
    });
  };
  const auto no_steps = [&](const char* method, const std::string& pattern, auto handle) {
    router.Add(method, pattern, [routes, handle](Exchange& x, const PathParameters& p) {
      const auto caller = Caller(routes, x);
      if (caller && IsNoStep(routes, x, *caller)) handle(routes, x, *caller, p);
    });
  };
  const auto named = [&](const char* method, const std::string& pattern, auto handle) {
    router.Add(method, pattern, [routes, handle](Exchange& x, const PathParameters& p) {
      if (auto caller = Caller(routes, x)) handle(routes, x, *caller, p);
    });
  };
  blob("PUT", "/artifacts/v1/blobs/{digest}", PutBlob);
  reading("GET", "/artifacts/v1/blobs/{digest}", GetBlob);
  reading("POST", "/artifacts/v1/blobs/{digest}/verify", VerifyBlob);
  reading("POST", "/artifacts/v1/blobs/{digest}/download", LinkToRead);
  blob("POST", "/artifacts/v1/blobs/{digest}/upload", LinkToWrite);
  named("PUT", "/artifacts/v1/receipts/{run}/{pod}", PutReceipt);
  no_steps("GET", "/artifacts/v1/receipts/{run}/{pod}", GetReceipt);
  named("PUT", "/artifacts/v1/metrics/{run}/{pod}", PutMetrics);
  no_steps("GET", "/artifacts/v1/predictions/{deployment}", ListPredictions);
  no_steps("PUT", "/artifacts/v1/predictions/{deployment}/{file}", PutPredictions);
  no_steps("GET", "/artifacts/v1/predictions/{deployment}/{file}", GetPredictions);
}

}  // namespace penstock::gateway
