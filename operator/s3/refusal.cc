#include "operator/s3/refusal.h"

#include <array>
#include <string_view>

#include "operator/net/exchange.h"
#include "operator/s3/xml.h"

namespace penstock::s3 {
namespace {

struct Known {
  std::string_view code;
  ErrorKind kind;
  std::string_view advice;  // what to do; empty: the message says it
};

// Codes of "Error responses" (Amazon S3 API reference), and MinIO's, Ceph's and Amazon's for a
// store that is full.
constexpr std::array<Known, 30> kKnown{{
    {"AccessDenied", ErrorKind::kForbidden,
     "on this bucket and prefix the keys of a step that reads need s3:GetObject and s3:ListBucket, "
     "those of a store s3:PutObject, s3:DeleteObject, s3:AbortMultipartUpload and "
     "s3:ListMultipartUploadParts too"},
    {"AllAccessDisabled", ErrorKind::kForbidden, ""},
    {"InvalidAccessKeyId", ErrorKind::kForbidden, "mend AWS_ACCESS_KEY_ID in its Secret"},
    {"SignatureDoesNotMatch", ErrorKind::kForbidden,
     "mend AWS_SECRET_ACCESS_KEY in its Secret, or the region"},
    {"ExpiredToken", ErrorKind::kForbidden, "the session of these keys is over: renew them"},
    {"InvalidToken", ErrorKind::kForbidden, "mend AWS_SESSION_TOKEN in its Secret"},
    {"RequestTimeTooSkewed", ErrorKind::kForbidden,
     "set this machine's clock: it is more than 15 minutes off the store's"},
    {"AuthorizationHeaderMalformed", ErrorKind::kInvalid,
     "mend the region (a store's `region`, a step's AWS_REGION)"},
    {"PermanentRedirect", ErrorKind::kInvalid,
     "mend the endpoint or region (a store's `region`, a step's AWS_REGION)"},
    {"IllegalLocationConstraintException", ErrorKind::kInvalid,
     "mend the region (a store's `region`, a step's AWS_REGION)"},
    {"NoSuchBucket", ErrorKind::kInvalid, "make the bucket, or mend its name"},
    {"InvalidBucketName", ErrorKind::kInvalid, "mend the bucket's name"},
    {"NotImplemented", ErrorKind::kInvalid, ""},  // of a header that the store does not know
    {"NoSuchKey", ErrorKind::kNotFound, ""},
    {"NoSuchUpload", ErrorKind::kNotFound, ""},
    {"PreconditionFailed", ErrorKind::kAlreadyExists, ""},
    {"ConditionalRequestConflict", ErrorKind::kTransient, ""},
    {"OperationAborted", ErrorKind::kTransient, ""},
    {"RequestTimeout", ErrorKind::kTransient, ""},
    {"SlowDown", ErrorKind::kOverloaded, ""},
    {"SlowDownRead", ErrorKind::kOverloaded, ""},
    {"SlowDownWrite", ErrorKind::kOverloaded, ""},
    {"XMinioStorageFull", ErrorKind::kNoSpace, "the store's disks are full: make room there"},
    {"XMinioAdminBucketQuotaExceeded", ErrorKind::kNoSpace,
     "raise the bucket's quota, or remove what is not needed"},
    {"QuotaExceeded", ErrorKind::kNoSpace,
     "raise the bucket's quota, or remove what is not needed"},
    {"InsufficientCapacity", ErrorKind::kNoSpace, "make room in the store"},
    {"EntityTooLarge", ErrorKind::kTooLarge, ""},
    {"BadDigest", ErrorKind::kDamaged, ""},
    {"XAmzContentSHA256Mismatch", ErrorKind::kDamaged, ""},
    {"XAmzContentChecksumMismatch", ErrorKind::kDamaged, ""},
}};

const Known* Find(std::string_view code) {
  for (const Known& known : kKnown)
    if (known.code == code) return &known;
  return nullptr;
}

ErrorKind KindOf(int status) {
  return status == 412 ? ErrorKind::kAlreadyExists : net::KindOf(status);
}

}  // namespace

Refusal ReadRefusal(const net::HttpResponse& answer) {
  Refusal out;
  out.status = answer.status;
  out.request_id = answer.Header("x-amz-request-id");
  out.region = answer.Header("x-amz-bucket-region");
  const auto root = ParseXml(answer.body);
  if (!root || root->name != "Error") return out;
  out.code = root->Text("Code").substr(0, 100);
  out.message = root->Text("Message").substr(0, 300);
  if (out.request_id.empty()) out.request_id = root->Text("RequestId").substr(0, 100);
  if (out.region.empty()) out.region = root->Text("Region").substr(0, 60);
  return out;
}

Error ErrorOf(const Refusal& refusal, const std::string& asked) {
  const Known* known = Find(refusal.code);
  Error error;
  error.kind = known == nullptr ? KindOf(refusal.status) : known->kind;
  error.message = asked + ": the store answered " + std::to_string(refusal.status);
  if (!refusal.code.empty()) error.message += " " + refusal.code;
  if (!refusal.message.empty()) error.message += " (" + refusal.message + ")";
  if (!refusal.request_id.empty()) error.message += ", request id " + refusal.request_id;
  if (known != nullptr && !known->advice.empty())
    error.message += "; " + std::string(known->advice);
  if (known != nullptr && error.kind == ErrorKind::kInvalid && !refusal.region.empty())
    error.message += ": the bucket is in " + refusal.region;
  // An answer to HEAD has no body that could say more.
  if (known == nullptr && error.kind == ErrorKind::kForbidden)
    error.message += "; " + std::string(kKnown[0].advice);
  return error;
}

bool RefusesKeys(const Refusal& refusal) {
  for (const char* code : {"InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken",
                           "InvalidToken", "TokenRefreshRequired"})
    if (refusal.code == code) return true;
  return false;
}

}  // namespace penstock::s3
