#include "operator/archive/gzip.h"

#include <zlib.h>

#include "operator/archive/inflate.h"
#include "operator/base/try.h"

namespace penstock::archive {

std::string Gzip(std::string_view text) {
  constexpr int kGzip = MAX_WBITS + 16;
  z_stream stream{};
  deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, kGzip, 9, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

Result<std::string> Gunzip(std::string_view packed, std::size_t limit) {
  std::string out;
  Inflater inflater;
  PENSTOCK_TRY(inflater.Write(packed, [&](std::string_view piece) -> Result<void> {
    if (out.size() + piece.size() > limit) {
      Error e = Invalid("gzip: over " + std::to_string(limit) + " bytes come out");
      e.kind = ErrorKind::kTooLarge;
      return e;
    }
    out += piece;
    return {};
  }));
  PENSTOCK_TRY(inflater.Finish());
  return out;
}

}  // namespace penstock::archive
