#include "tests/sim/checkers.hpp"

namespace tulle::sim {
namespace {

/// P6: `a` sees `b` alive and holds the present interest of `b`.
void check_pair(World& world, Process& a, Process& b) {
    const std::string pair = world.name_of(a.oid) + " -> " + world.name_of(b.oid);
    const mesh::Peer* peer = a.node->membership().find(b.oid);
    if (peer == nullptr || peer->state != mesh::PeerState::kAlive) {
        world.violation("P6 " + pair + " is " + (peer == nullptr ? "unknown" : to_text(peer->state)));
        return;
    }
    const auto held = a.node->interest_of(b.oid);
    const mesh::InterestLog& log = b.node->local_interest().log();
    if (!held || held->first != log.version() || held->second != log.digest()) {
        world.violation("P6 " + pair + " holds another interest than there is");
    }
}

}  // namespace

void check_views(World& world) {
    for (HostId a = 0; a < world.hosts(); ++a) {
        Process* process = world.process(a);
        if (process == nullptr) {
            continue;
        }
        if (!process->node->ready() && !process->left) {
            world.violation("P6 " + world.name_of(process->oid) + " is not ready");
        }
        // Everything has settled, so a subscription that waits now would wait for ever.
        if (const auto pending = process->edge.longest_pending()) {
            world.violation("P1 " + world.name_of(process->oid) + " still waits to confirm " + pending->first);
        }
        for (const auto& [id, publish] : process->unanswered) {
            // A process that has left answers no more, and a young publish may wait for copies.
            if (!process->left && !process->leaving_since &&
                publish.at + 2 * mesh::Timing{}.copies_wait < world.now()) {
                world.violation("P11 " + world.name_of(process->oid) + " never answered a publish on " +
                                publish.channel);
            }
        }
        // Every ordered pair is checked: each side has a view of its own.
        for (HostId b = 0; b < world.hosts(); ++b) {
            if (a != b && world.process(b) != nullptr && !process->left && !world.process(b)->left) {
                check_pair(world, *process, *world.process(b));
            }
        }
    }
}

}  // namespace tulle::sim
