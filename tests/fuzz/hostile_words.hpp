#pragma once

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "mesh/core/node/effects.hpp"
#include "mesh/core/node/numbers.hpp"
#include "tests/fuzz/bytes.hpp"

/// What a hostile member of a mesh may say: every kind of message, with fields that the fuzzer's bytes choose.
namespace tulle::fuzz {

class HostileWords {
public:
    explicit HostileWords(Bytes& bytes) : bytes_(bytes) {}

    [[nodiscard]] mesh::ControlBody control(bool may_relay = true) {
        switch (bytes_.below(26)) {
            case 0:
                return mesh::Knock{introduction(), endpoint()};
            case 1:
                return mesh::Hello{introduction(), tag(), terms(), endpoint()};
            case 2:
                return mesh::Welcome{introduction(), tag(), tag(), terms()};
            case 3:
                return mesh::Refuse{static_cast<mesh::RefusalReason>(bytes_.below(4)), "no"};
            case 4:
                return heartbeat();
            case 5:
                return mesh::Members{members()};
            case 6:
                return delta();
            case 7:
                return mesh::InterestAck{version()};
            case 8:
                return mesh::InterestPull{version(), bytes_.number(), channel(), bytes_.flag()};
            case 9:
                return mesh::InterestChunk{bytes_.number(), version(), channel(), channels(), bytes_.flag(), version()};
            case 10:
                return mesh::Receipt{frame_no()};
            case 11:
                return nack();
            case 12:
                return mesh::ProbeAsk{oid(), bytes_.number32()};
            case 13:
                return mesh::ProbeAnswer{oid(), bytes_.number32(), static_cast<mesh::Hearing>(bytes_.below(3)),
                                         bytes_.number()};
            case 14:
                return mesh::QueryAsk{bytes_.number(), text(), bytes_.number32() % 60'001, channels()};
            case 15:
                return query_answer();
            case 16:
                return mesh::Leave{frame_no()};
            case 17:
                return mesh::LeaveReceipt{};
            case 18:
                return mesh::Ping{bytes_.number()};
            case 19:
                return mesh::Pong{bytes_.number()};
            case 20:
                return relay(may_relay);
            case 21:
                return mesh::Wake{oid(), record_no()};
            case 22:
                return mesh::Fill{oid(), records(),       bytes_.flag(),
                                  {},    bytes_.below(3), static_cast<std::uint32_t>(bytes_.below(4))};
            case 23:
                return mesh::TraceReport{record_no(), static_cast<mesh::TracePath>(bytes_.below(4)), oid(),
                                         bytes_.signed_number(), static_cast<std::uint32_t>(bytes_.below(65))};
            case 24:
                return usage();
            default:
                return mail();
        }
    }

    [[nodiscard]] std::variant<mesh::FramePtr, mesh::Tail> data(mesh::FrameNo next) {
        if (bytes_.below(4) == 0) {
            return mesh::Tail{frame_no(), record_no()};
        }
        mesh::Frame frame{
            .no = bytes_.flag() ? next : frame_no(), .upto = record_no(), .gone = {}, .records = records()};
        for (std::size_t i = bytes_.below(4); i > 1; --i) {
            frame.gone.channels.emplace_back(channel(), bytes_.number());
        }
        frame.gone.unknown = bytes_.flag() ? bytes_.number() : 0;
        for (std::size_t i = bytes_.below(4); i > 1; --i) {
            frame.presence.push_back(presence_part());
        }
        for (std::size_t i = bytes_.below(4); i > 1; --i) {
            frame.retained.push_back(retained_part());
        }
        frame.receipt_now = frame.upto.value % 2 == 1;
        return std::make_shared<const mesh::Frame>(std::move(frame));
    }

    /// The node under test is 1, the played peers 2 to 4; others are known by hearsay.
    [[nodiscard]] OriginId oid() {
        const std::size_t choice = bytes_.below(8);
        return OriginId{choice < 7 ? choice : bytes_.number()};
    }
    [[nodiscard]] mesh::SessionTag tag() { return mesh::SessionTag{bytes_.number()}; }
    [[nodiscard]] std::string channel() {
        const std::size_t choice = bytes_.below(12);
        switch (choice) {
            case 0:
                return "app/presence-a";
            case 1:
                return mesh::presence_key("app/presence-a");
            case 2:
                return "app/cache-a";
            case 3:
                return mesh::retained_key("app/cache-a");
            case 4:
                return std::string(mesh::kMaxChannelBytes, 'x');
            case 5:
                return std::string(bytes_.take(bytes_.below(12)));
            default:
                return "app/" + std::to_string(choice);
        }
    }
    [[nodiscard]] std::vector<std::string> channels() {
        std::vector<std::string> made;
        for (std::size_t i = bytes_.below(6); i > 0; --i) {
            made.push_back(channel());
        }
        return made;
    }
    [[nodiscard]] SharedBytes body() {
        const std::size_t choice = bytes_.below(16);
        return share(std::string(choice < 15 ? choice : 1'500, 'x'));
    }
    [[nodiscard]] SharedBody event() {
        const std::size_t choice = bytes_.below(16);
        return share(EventBody({}, std::string(choice < 15 ? choice : 1'500, 'x'),
                               choice == 7 ? DataKind::kBytes : DataKind::kJson));
    }

private:
    [[nodiscard]] mesh::FrameNo frame_no() { return mesh::FrameNo{bytes_.number()}; }
    [[nodiscard]] mesh::RecordNo record_no() { return mesh::RecordNo{bytes_.number()}; }
    [[nodiscard]] mesh::InterestVersion version() { return mesh::InterestVersion{bytes_.number()}; }
    [[nodiscard]] std::string text() { return std::string(bytes_.take(bytes_.below(8))); }
    [[nodiscard]] std::string name() { return std::string(1, static_cast<char>('a' + bytes_.below(6))); }
    [[nodiscard]] std::string endpoint() { return name() + ":1"; }

    [[nodiscard]] mesh::MemberInfo member() {
        const std::string at = name();
        return {oid(), name(), {at + ":1", at + ":2", at + ":3"}};
    }
    [[nodiscard]] std::vector<mesh::MemberInfo> members() {
        std::vector<mesh::MemberInfo> made;
        for (std::size_t i = bytes_.below(5); i > 0; --i) {
            made.push_back(member());
        }
        return made;
    }
    [[nodiscard]] mesh::Introduction introduction() {
        const std::string who = name();
        return {bytes_.below(16) == 15 ? "other" : "test",
                who,
                "1",
                {who + ":1", who + ":2", who + ":3"},
                static_cast<std::uint32_t>(mesh::kOldestProtocolVersion + (bytes_.below(16) == 15 ? 1 : 0)),
                mesh::kProtocolVersion,
                bytes_.flag()};
    }
    [[nodiscard]] mesh::SessionTerms terms() {
        mesh::SessionTerms made;
        if (bytes_.flag()) {
            made.delivered = record_no();
        }
        made.at = record_no();
        for (std::size_t i = bytes_.below(5); i > 0; --i) {
            made.extras.push_back(record_no());
        }
        made.members = members();
        return made;
    }
    [[nodiscard]] mesh::Heartbeat heartbeat() {
        mesh::Heartbeat made;
        made.last_sent = frame_no();
        made.upto = record_no();
        made.received = frame_no();
        made.version = version();
        made.digest = bytes_.number();
        made.applied = version();
        made.sent_at_us = bytes_.signed_number();
        made.echo_us = bytes_.signed_number();
        made.echo_held_us = bytes_.signed_number();
        made.members_digest = bytes_.number();
        made.load = {bytes_.number(), bytes_.number(), bytes_.number()};
        made.ready = bytes_.flag();
        made.hybrid_us = bytes_.number();
        made.deaf_via = oid();
        made.duty_view = bytes_.number();
        made.duty_view_no = bytes_.number();
        made.leaving = (made.digest & 1) != 0;
        made.last = (made.digest & 2) != 0;
        return made;
    }
    [[nodiscard]] mesh::InterestDelta delta() {
        mesh::InterestDelta made{.base = version(), .changes = {}, .current = {}};
        for (std::size_t i = bytes_.below(6); i > 0; --i) {
            made.changes.push_back({bytes_.flag(), channel()});
        }
        made.current = version();
        return made;
    }
    [[nodiscard]] mesh::QueryAnswer query_answer() {
        const std::uint64_t id = bytes_.number();
        mesh::QueryAnswer made{id, text(), bytes_.flag(), bytes_.flag() ? retained_part() : nullptr};
        // Drawn from the id, so that inputs of the corpus keep their meaning.
        made.part = static_cast<std::uint32_t>(id % 4);
        return made;
    }
    [[nodiscard]] mesh::Nack nack() {
        mesh::Nack made;
        for (std::size_t i = bytes_.below(5); i > 0; --i) {
            made.missing.push_back({frame_no(), frame_no()});
        }
        return made;
    }
    [[nodiscard]] mesh::Relay relay(bool allowed) {
        const OriginId to = oid();
        const OriginId from = oid();
        if (allowed && bytes_.flag()) {
            return {to, std::make_shared<const mesh::Control>(mesh::Control{from, oid(), tag(), control(false)}),
                    nullptr};
        }
        return {to, nullptr,
                std::make_shared<const mesh::Data>(mesh::Data{from, oid(), tag(), data(mesh::FrameNo{1})})};
    }
    [[nodiscard]] mesh::Usage usage() {
        mesh::Usage made{.sources = bytes_.number(), .entries = {}};
        for (std::size_t i = bytes_.below(4); i > 0; --i) {
            made.entries.emplace_back(text(), bytes_.number());
        }
        return made;
    }
    [[nodiscard]] mesh::DutyMail mail() {
        mesh::DutyMail made{.seq = bytes_.number(),
                            .ack = bytes_.number(),
                            .view_no = bytes_.number(),
                            .reports = {},
                            .orders = {},
                            .settles = {},
                            .done = {}};
        for (std::size_t i = bytes_.below(4); i > 0; --i) {
            made.reports.push_back({channel(), text(), bytes_.number(), bytes_.number(), bytes_.number(),
                                    bytes_.number(), bytes_.flag(), bytes_.flag(), bytes_.flag(), bytes_.number(),
                                    bytes_.flag() ? body() : nullptr});
        }
        for (std::size_t i = bytes_.below(4); i > 0; --i) {
            made.orders.push_back({bytes_.number(), channel(), body()});
        }
        for (std::size_t i = bytes_.below(4); i > 0; --i) {
            made.settles.push_back(
                {channel(), text(), bytes_.number(), bytes_.number(), bytes_.number(), bytes_.flag()});
        }
        for (std::size_t i = bytes_.below(4); i > 0; --i) {
            made.done.push_back(bytes_.number());
        }
        return made;
    }
    [[nodiscard]] mesh::RecordPtr record() {
        mesh::Record made{.n = record_no(), .channels = channels(), .body = event(), .exclude_socket = {}};
        switch (bytes_.below(6)) {
            case 0:
                made.channels = {mesh::presence_key("app/presence-a")};
                made.user = name();
                made.info = std::make_shared<const std::string>(made.body->data());
                made.body = nullptr;
                made.left = bytes_.flag();
                break;
            case 1:
                made.channels.insert(made.channels.begin(), "app/cache-a");
                made.retained = 1;
                made.stamp = {bytes_.number(), oid()};
                made.keep_for = std::chrono::milliseconds{bytes_.number() % 90'000'000};
                break;
            case 2:
                made.trace = true;
                break;
            default:
                break;
        }
        return std::make_shared<const mesh::Record>(std::move(made));
    }
    [[nodiscard]] std::vector<mesh::RecordPtr> records() {
        std::vector<mesh::RecordPtr> made;
        for (std::size_t i = bytes_.below(5); i > 0; --i) {
            made.push_back(record());
        }
        return made;
    }
    [[nodiscard]] mesh::PresencePartPtr presence_part() {
        mesh::PresencePart made{.channel = channel(),
                                .version = version(),
                                .at = record_no(),
                                .first = bytes_.flag(),
                                .last = bytes_.flag(),
                                .members = {}};
        for (std::size_t i = bytes_.below(4); i > 0; --i) {
            made.members.push_back({name(), body()});
        }
        return std::make_shared<const mesh::PresencePart>(std::move(made));
    }
    [[nodiscard]] mesh::RetainedPartPtr retained_part() {
        mesh::RetainedPart made{
            .channel = channel(), .version = version(), .at = record_no(), .stamp = {}, .body = event()};
        if (bytes_.flag()) {
            made.stamp = {bytes_.number(), oid()};
            made.left = std::chrono::milliseconds{bytes_.number() % 90'000'000};
        }
        return std::make_shared<const mesh::RetainedPart>(std::move(made));
    }

    Bytes& bytes_;
};

}  // namespace tulle::fuzz
