// A folder of this machine's disk, or of a volume, as a store of objects: a key is an absolute path
// without its first "/". Blocks; any thread.
//
// A link to a file is followed where that lies in the folder too. Invalid: a link that leads out,
// one to a folder below what is listed, and whatever is neither a file nor a folder.
#pragma once

#include <memory>
#include <string>

#include "operator/base/result.h"
#include "operator/fetch/source.h"

namespace penstock::fetch {

// `folder` is a key that ends with "/"; only what is in it is read. An ETag of a list is which file
// it is, its size and its time; that of a file that was read is the SHA-256 of its bytes.
[[nodiscard]] std::unique_ptr<SourceStore> OpenFolder(const std::string& folder);

}  // namespace penstock::fetch
