// How a PostgreSQL server is reached, and what of that people may read. Pure but for libpq's
// parser.
#pragma once

#include <filesystem>
#include <string>

#include "operator/base/result.h"

namespace penstock::metadata {

struct PostgresAddress {
  std::string uri;      // for libpq, with everything; holds the password
  std::string shown;    // "history at db.example.com:5432": for people
  std::string warning;  // where the text asks for less protection than it could have; else empty
};

// From a connection string of libpq: postgresql://user:password@host/database, or host=... pairs.
// What it does not say is chosen here: sslmode=verify-full, held to the authorities of the file
// `ca`, or to the system's where that is empty or not there; a server that can be written to; five
// seconds for connecting, fifteen for a server that answers nothing. Invalid for what is no such
// text, for one of over 8 KiB and without a host; the error holds nothing of the text.
[[nodiscard]] Result<PostgresAddress> ReadPostgresAddress(const std::string& text,
                                                          const std::filesystem::path& ca);

}  // namespace penstock::metadata
