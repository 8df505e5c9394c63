// One run's rows. Throws soci::soci_error; the caller holds the transaction.
#pragma once

#include "operator/metadata/record.h"

namespace soci {
class session;
}

namespace penstock::metadata {

// Writes the record over what stands of that run. Rows of earlier attempts stay. Writing the same
// record twice changes nothing but the run's place in the order of changes.
void WriteRun(soci::session& db, const RunRecord& record);

}  // namespace penstock::metadata
