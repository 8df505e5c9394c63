// Artifacts into a store and out of it, as the operator's own code does it, for the bench `store`.
// usage: store-copy put|get STORE PATH [DIGEST]
//   STORE is a folder, or s3:<endpoint>,<bucket>,<access key>,<secret key>
// put prints the artifact's digest; get writes the artifact of that digest to PATH, verified.
#include <cstdio>
#include <string>
#include <vector>

#include "operator/artifacts/s3/s3_objects.h"
#include "operator/artifacts/store.h"

namespace penstock::bench {
namespace {

const SystemClock kClock;
constexpr const char* kNamespace = "bench";

std::vector<std::string> SplitAtCommas(std::string text) {
  std::vector<std::string> out;
  for (std::size_t comma = 0; comma != std::string::npos;) {
    comma = text.find(',');
    out.push_back(text.substr(0, comma));
    if (comma != std::string::npos) text.erase(0, comma + 1);
  }
  return out;
}

Result<artifacts::Store> Open(const std::string& name) {
  if (name.rfind("s3:", 0) != 0) return artifacts::Store(name);
  const auto words = SplitAtCommas(name.substr(3));
  if (words.size() != 4)
    return Invalid("STORE is s3:<endpoint>,<bucket>,<access key>,<secret key>");
  s3::BucketSettings bucket;
  bucket.endpoint = words[0];
  bucket.bucket = words[1];
  auto client = s3::Client::Make(bucket, s3::FixedKeys({words[2], words[3], ""}), kClock);
  if (!client) return client.error();
  artifacts::S3ObjectsSettings settings;
  settings.scratch = std::filesystem::temp_directory_path();
  return artifacts::Store(settings.scratch, artifacts::Room(),
                          std::make_shared<artifacts::S3Objects>(*std::move(client), settings));
}

Result<void> Work(const std::vector<std::string>& arguments) {
  const bool put = arguments.size() == 3 && arguments[0] == "put";
  const bool get = arguments.size() == 4 && arguments[0] == "get";
  if (!put && !get) return Invalid("usage: store-copy put|get STORE PATH [DIGEST]");
  auto store = Open(arguments[1]);
  if (!store) return store.error();
  if (put) {
    auto ref = store->Put(kNamespace, arguments[2]);
    if (!ref) return ref.error();
    std::puts(ref->digest.c_str());
    return {};
  }
  auto ref = store->Find(kNamespace, arguments[3]);
  if (!ref) return ref.error();
  return store->Get(kNamespace, *ref, arguments[2]);
}

}  // namespace
}  // namespace penstock::bench

int main(int argc, char** argv) {
  const auto done = penstock::bench::Work({argv + 1, argv + argc});
  if (done) return 0;
  std::fprintf(stderr, "store-copy: %s\n", done.error().message.c_str());
  return 1;
}
