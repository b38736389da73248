#include "mesh/core/session/introductions.hpp"

#include <algorithm>
#include <utility>

namespace tulle::mesh {

// The peer has just been sent our members in the handshake, so the next full list can wait.
void Introductions::session_up(Instant now, Session& session) {
    session.members_sent_at = now;
    const Peer& peer = *context_.find(session.oid);
    newcomers_.push_back({peer.oid, peer.name, peer.endpoints});
    members_changed();
}

void Introductions::members_changed() {
    for (auto& [oid, session] : context_.sessions()) {
        session.sees_others = true;
    }
}

void Introductions::on(Instant now, Session& session, const Heartbeat& heartbeat, Effects& out) {
    session.sees_others = heartbeat.members_digest != membership_.digest();
    // Views differ for a moment whenever a node comes or goes, so a full list goes at most once per `suspicion`.
    if (!session.sees_others || now - session.members_sent_at < context_.timing().suspicion) {
        return;
    }
    session.members_sent_at = now;
    // The list is split at the limit of a message.
    const std::vector<MemberInfo> members = membership_.members();
    for (auto first = members.begin(); first != members.end();) {
        const auto most = static_cast<std::ptrdiff_t>(context_.limits().members_per_message);
        const auto last = first + std::min(most, members.end() - first);
        context_.send(session.oid, Members{{first, last}}, out);
        first = last;
    }
}

void Introductions::tick(Effects& out) {
    if (newcomers_.empty()) {
        return;
    }
    const std::vector<MemberInfo> newcomers = std::exchange(newcomers_, {});
    for (const auto& [oid, session] : context_.sessions()) {
        Members news;
        for (const MemberInfo& newcomer : newcomers) {
            // A newcomer is not told of itself.
            if (newcomer.oid != oid) {
                news.members.push_back(newcomer);
            }
            if (news.members.size() == context_.limits().members_per_message) {
                context_.send(oid, std::exchange(news, {}), out);
            }
        }
        if (!news.members.empty()) {
            context_.send(oid, std::move(news), out);
        }
    }
}

}  // namespace tulle::mesh
