#include "mesh/io/dial_counters.hpp"

#include <spdlog/spdlog.h>

#include <bit>

namespace tulle::mesh {

void DialCounters::note_put_off(const std::string& endpoint, const char* why) {
    ++put_off;
    if (std::has_single_bit(put_off)) {
        spdlog::warn("the connection to {} is put off: {} ({} times so far)", endpoint, why, put_off);
    }
}

void DialCounters::note_not_dialled(const std::string& endpoint, const char* why) {
    ++not_dialled;
    if (std::has_single_bit(not_dialled)) {
        spdlog::warn("cannot dial {}: {} ({} times so far)", endpoint, why, not_dialled);
    }
}

}  // namespace tulle::mesh
