#include "operator/archive/inflate.h"

#include <zlib.h>

#include <array>

namespace penstock::archive {

struct Inflater::State {
  z_stream stream{};
  bool usable = false;
  bool within = true;  // of a member
  std::array<char, 64 * 1024> out;
};

Inflater::Inflater() : state_(std::make_unique<State>()) {
  state_->usable = ::inflateInit2(&state_->stream, MAX_WBITS + 16) == Z_OK;
}

Inflater::~Inflater() {
  if (state_->usable) ::inflateEnd(&state_->stream);
}

Result<void> Inflater::Write(std::string_view packed, const Sink& sink) {
  if (!state_->usable) return Transient("there is no memory for gzip");
  z_stream& z = state_->stream;
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  z.avail_in = static_cast<uInt>(packed.size());
  for (bool full = false; z.avail_in > 0 || full;) {
    if (!state_->within) {
      if (::inflateReset(&z) != Z_OK) return Invalid("gzip: cannot go on");
      state_->within = true;
    }
    z.next_out = reinterpret_cast<Bytef*>(state_->out.data());
    z.avail_out = static_cast<uInt>(state_->out.size());
    const int result = ::inflate(&z, Z_NO_FLUSH);
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
      return Invalid(std::string("gzip: the data is damaged: ") +
                     (z.msg != nullptr ? z.msg : "no more is known"));
    const std::size_t made = state_->out.size() - z.avail_out;
    if (made > 0) {
      if (auto taken = sink({state_->out.data(), made}); !taken) return taken;
    }
    full = z.avail_out == 0 && result == Z_OK;
    if (result == Z_STREAM_END) state_->within = false;
  }
  return {};
}

Result<void> Inflater::Finish() const {
  if (state_->within) return Invalid("gzip: it ends before its data does");
  return {};
}

}  // namespace penstock::archive
