#include "mesh/io/zmq_transport.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "mesh/wire/codec.hpp"

namespace tulle::mesh {
namespace {

/// Per socket and turn: enough to drain a burst, little enough that timers are not late.
constexpr std::size_t kMessagesPerTurn = 2048;
/// Of data a turn takes no more than fits into these and the message that passes them: a thread that hosts the hub delivers it
/// all before it writes to its clients, whose outboxes have 1 MiB.
constexpr std::size_t kRecordsPerTurn = 1024;
constexpr std::size_t kDataBytesPerTurn = 512u << 10;

// Tokens of what is waited for; a link's is its id and kFirstLink.
constexpr std::uint64_t kWake = 0;
constexpr std::uint64_t kRouter = 1;
constexpr std::uint64_t kPublisher = 2;
constexpr std::uint64_t kSubscriber = 3;
constexpr std::uint64_t kCheck = 4;
constexpr std::uint64_t kFirstLink = 16;

std::string_view view(const zmq::message_t& message) {
    return {static_cast<const char*>(message.data()), message.size()};
}

/// Skips what else belongs to a multipart message.
void skip_rest(zmq::socket_t& socket, bool more) {
    while (more) {
        zmq::message_t part;
        static_cast<void>(socket.recv(part, zmq::recv_flags::dontwait));
        more = part.more();
    }
}

}  // namespace

ZmqTransport::ZmqTransport(const std::string& control, const std::string& data, WakeFd& wake)
    : wake_(wake),
      sockets_(control, data),
      router_(sockets_.router),
      publisher_(sockets_.publisher),
      subscriber_(sockets_.subscriber),
      resolver_([&wake] { wake.wake(); }),
      checks_(ready_, kCheck) {
    ready_.add(wake_.fd(), kWake);
    ready_.add(router_.descriptor(), kRouter);
    ready_.add(publisher_.descriptor(), kPublisher);
    ready_.add(subscriber_.descriptor(), kSubscriber);
}

ZmqTransport::~ZmqTransport() = default;

void ZmqTransport::listen_for(OriginId oid) {
    sockets_.subscriber.set(zmq::sockopt::subscribe, topic_of(oid));
    subscriber_.touch();
}

void ZmqTransport::open_link(LinkId link, const std::string& endpoint) {
    auto made = std::make_unique<Link>(Link{endpoint, sockets_.dealer()});
    const std::optional<HostPort> address = parse_host_port(endpoint);
    if (const auto known = address ? numeric(*address) : std::nullopt) {
        connect(*made, *known);
    } else {
        resolver_.ask(endpoint);
    }
    ready_.add(made->dealer->events().descriptor(), kFirstLink + link.value);
    heard_.push_back(link);  // what it has said by now
    links_.emplace(link, std::move(made));
}

void ZmqTransport::connect(Link& link, const NumericAddress& address) {
    link.dialled = true;
    try {
        link.dealer->socket().connect(address.zmq_endpoint());
    } catch (const zmq::error_t& error) {
        spdlog::warn("cannot dial {}: {}", link.endpoint, error.what());
    }
}

void ZmqTransport::close_link(LinkId link) {
    checks_.cancel(link);
    if (const auto found = links_.find(link); found != links_.end()) {
        ready_.remove(found->second->dealer->events().descriptor());
        links_.erase(found);
    }
}

void ZmqTransport::check_endpoint(Instant now, LinkId link, const std::string& endpoint) {
    const std::optional<HostPort> address = parse_host_port(endpoint);
    if (const auto known = address ? numeric(*address) : std::nullopt) {
        std::vector<Input> at_once;
        checks_.start(now, link, *known, at_once);
        pending_.insert(pending_.end(), at_once.begin(), at_once.end());
    } else {
        waiting_checks_[endpoint].push_back(link);
        resolver_.ask(endpoint);
    }
}

void ZmqTransport::connect_data(const std::string& endpoint) {
    std::string& connected = data_connections_[endpoint];
    const std::optional<HostPort> address = parse_host_port(endpoint);
    if (const auto known = address ? numeric(*address) : std::nullopt) {
        connected = known->zmq_endpoint();
        sockets_.subscriber.connect(connected);
        subscriber_.touch();
    } else {
        connected.clear();
        resolver_.ask(endpoint);
    }
}

void ZmqTransport::disconnect_data(const std::string& endpoint) {
    const auto found = data_connections_.find(endpoint);
    if (found == data_connections_.end()) {
        return;
    }
    if (!found->second.empty()) {
        try {
            subscriber_.touch();
            sockets_.subscriber.disconnect(found->second);
        } catch (const zmq::error_t& error) {
            spdlog::debug("disconnect from {}: {}", found->second, error.what());
        }
    }
    data_connections_.erase(found);
}

void ZmqTransport::send(LinkId link, const Control& message) {
    const auto found = links_.find(link);
    if (found == links_.end()) {
        return;
    }
    const std::string bytes = encode(message);
    zmq::socket_t& socket = found->second->dealer->socket();
    bool sent = socket.send(zmq::buffer(bytes), zmq::send_flags::dontwait).has_value();
    if (!sent) {
        // A send looks at what the I/O thread has told only every millisecond, so just after LinkUp the pipe may not be
        // known yet. Asking for the events looks at once.
        static_cast<void>(socket.get(zmq::sockopt::events));
        sent = socket.send(zmq::buffer(bytes), zmq::send_flags::dontwait).has_value();
    }
    if (sent) {
        ++counters_.control_sent;
        counters_.control_bytes += bytes.size();
    } else {
        ++counters_.control_unsent;
    }
}

void ZmqTransport::send(const Data& message) {
    outgoing_.assign(topic_of(message.dst));
    append(outgoing_, message);
    static_cast<void>(sockets_.publisher.send(zmq::buffer(outgoing_), zmq::send_flags::dontwait));
    publisher_.touch();
    ++counters_.data_sent;
    counters_.data_bytes += outgoing_.size() - kTopicBytes;
}

bool ZmqTransport::has_more() {
    bool has_something = !pending_.empty() || !heard_.empty();
    for (Inlet* inlet : {&router_, &publisher_, &subscriber_}) {
        has_something = inlet->look() || has_something;
    }
    return has_something;
}

void ZmqTransport::wait(Duration timeout) {
    for (const std::uint64_t token : ready_.wait(timeout)) {
        note_ready(token);
    }
}

void ZmqTransport::note_ready(std::uint64_t token) {
    switch (token) {
        case kWake: wake_.clear(); break;
        case kRouter: router_.touch(); break;
        case kPublisher: publisher_.touch(); break;
        case kSubscriber: subscriber_.touch(); break;
        case kCheck: break;  // collect asks all of them
        default: heard_.push_back(LinkId{static_cast<std::uint32_t>(token - kFirstLink)});
    }
}

void ZmqTransport::collect(Instant now, std::vector<Input>& out) {
    out.insert(out.end(), pending_.begin(), pending_.end());
    pending_.clear();
    collect_answers(now, out);
    collect_monitors(out);
    checks_.collect(now, out);
    collect_subscriptions(out);
    collect_router(out);
    collect_data(out);
}

void ZmqTransport::collect_answers(Instant now, std::vector<Input>& out) {
    for (const Resolver::Answer& answer : resolver_.take_answers()) {
        if (!answer.address) {
            waiting_checks_.erase(answer.endpoint);
            continue;  // the core dials again, and the name is looked up again
        }
        for (auto& [id, link] : links_) {
            if (link->endpoint == answer.endpoint && !link->dialled) {
                connect(*link, *answer.address);
            }
        }
        if (const auto data = data_connections_.find(answer.endpoint);
            data != data_connections_.end() && data->second.empty()) {
            data->second = answer.address->zmq_endpoint();
            sockets_.subscriber.connect(data->second);
            subscriber_.touch();
        }
        if (const auto checks = waiting_checks_.find(answer.endpoint); checks != waiting_checks_.end()) {
            for (const LinkId link : checks->second) {
                if (links_.contains(link)) {
                    checks_.start(now, link, *answer.address, out);
                }
            }
            waiting_checks_.erase(checks);
        }
    }
}

void ZmqTransport::collect_monitors(std::vector<Input>& out) {
    std::sort(heard_.begin(), heard_.end());
    for (const LinkId id : heard_) {
        const auto link = links_.find(id);
        if (link == links_.end()) {
            continue;  // closed meanwhile
        }
        MonitoredSocket& dealer = *link->second->dealer;
        dealer.events().touch();
        while (const auto event = dealer.next()) {
            if (event->kind == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) {
                out.push_back(LinkUp{id});
            } else {
                out.push_back(LinkDown{id});
            }
        }
    }
    heard_.clear();
}

void ZmqTransport::collect_router(std::vector<Input>& out) {
    for (std::size_t i = 0; i < kMessagesPerTurn; ++i) {
        zmq::message_t identity;
        if (!router_.receive(identity)) {
            return;
        }
        if (!identity.more()) {
            continue;
        }
        zmq::message_t body;
        static_cast<void>(sockets_.router.recv(body, zmq::recv_flags::dontwait));
        skip_rest(sockets_.router, body.more());
        Result<Control, CodecError> message = decode_control(view(body));
        if (message) {
            out.push_back(std::move(*message));
        } else {
            refused("control", to_text(message.error()));
        }
    }
}

void ZmqTransport::collect_subscriptions(std::vector<Input>& out) {
    for (std::size_t i = 0; i < kMessagesPerTurn; ++i) {
        zmq::message_t event;
        if (!publisher_.receive(event)) {
            return;
        }
        skip_rest(sockets_.publisher, event.more());
        const std::string_view bytes = view(event);
        if (bytes.empty() || bytes.front() != '\x01') {
            continue;  // unsubscribed: perhaps an old pipe, while a new one stands; says nothing
        }
        if (const std::optional<OriginId> oid = oid_of_topic(bytes.substr(1))) {
            out.push_back(SubscriberSeen{*oid});
        } else {
            refused("subscription", "not a topic of ours");
        }
    }
}

void ZmqTransport::collect_data(std::vector<Input>& out) {
    std::size_t records = 0;
    std::size_t total = 0;
    while (records < kRecordsPerTurn && total < kDataBytesPerTurn) {
        zmq::message_t bytes;
        if (!subscriber_.receive(bytes)) {
            return;
        }
        ++records;  // one without any takes its time, too
        total += bytes.size();
        skip_rest(sockets_.subscriber, bytes.more());
        Result<Data, CodecError> message = decode_data(view(bytes).substr(std::min(kTopicBytes, bytes.size())));
        if (message) {
            if (const auto* frame = std::get_if<FramePtr>(&message->body)) {
                records += (*frame)->records.size();
            }
            out.push_back(std::move(*message));
        } else {
            refused("data", to_text(message.error()));
        }
    }
}

void ZmqTransport::refused(const char* where, const std::string& why) {
    ++counters_.malformed;
    if ((counters_.malformed & (counters_.malformed - 1)) == 0) {  // 1, 2, 4, 8…: a flood must not fill the log
        spdlog::warn("dropped a {} message on the mesh: {} ({} so far)", where, why, counters_.malformed);
    }
}

}  // namespace tulle::mesh
