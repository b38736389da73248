#pragma once

namespace tulle {

/// A callable made of several callables, for std::visit: overload resolution picks the callable for the alternative. An
/// alternative without a callable does not compile, so no new kind of message can be forgotten.
template <class... Fs>
struct Overloaded : Fs... {
    using Fs::operator()...;
};
template <class... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;

}  // namespace tulle
