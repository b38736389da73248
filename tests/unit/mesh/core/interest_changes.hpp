#pragma once

#include "mesh/core/interest/interest_log.hpp"

namespace tulle::mesh {

/// The next ticket of a log in which every ticket has become a version.
inline InterestTicket next_ticket(const InterestLog& log) {
    return InterestTicket{log.version().value + 1};
}
inline InterestVersion add(InterestLog& log, const std::string& channel) {
    return log.add(channel, next_ticket(log));
}
inline void remove(InterestLog& log, const std::string& channel) {
    log.remove(channel, next_ticket(log));
}

}  // namespace tulle::mesh
