// What a store keeps of S3's newer promises: found out by a few small requests under a name of its
// own, since stores that speak S3 differ, and one that does not know a header passes over it.
#pragma once

#include <stop_token>
#include <string>

#include "operator/base/result.h"
#include "operator/s3/client.h"

namespace penstock::s3 {

struct Abilities {
  // A put, and a completion, with "If-None-Match: *" leave what is there alone.
  bool conditional_put = false;
  // A put whose x-amz-checksum-sha256 is not that of its bytes is refused.
  bool checks_sha256 = false;
  // What was sent as x-amz-checksum-crc32c is told by HEAD.
  bool keeps_crc32c = false;
};

// Writes and removes one object, "<prefix>.penstock-probe-<random>". An error is one that
// everything else would meet too: keys, bucket, network.
[[nodiscard]] Result<Abilities> Probe(const Client& client, const std::string& prefix,
                                      std::stop_token stop);

}  // namespace penstock::s3
