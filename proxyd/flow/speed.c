/* speed: the bucket that leaks in time (a generic cell rate), with places in it. */
#include "proxyd/flow/speed.h"

static int64_t price_us(uint64_t bytes_s, uint64_t n)
{
    return (int64_t)((double)n * 1e6 / (double)bytes_s);
}

int64_t speed_take(_Atomic int64_t *next_us, uint64_t bytes_s, uint64_t n, int64_t now_us)
{
    int64_t price = price_us(bytes_s, n), from;
    int64_t was = atomic_load_explicit(next_us, memory_order_relaxed);
    do {
        from = was > now_us ? was : now_us;
    } while (!atomic_compare_exchange_weak_explicit(next_us, &was, from + price,
                                                    memory_order_relaxed, memory_order_relaxed));
    return from - SPEED_BURST_US;
}

void speed_give(_Atomic int64_t *next_us, uint64_t bytes_s, uint64_t n)
{
    atomic_fetch_sub_explicit(next_us, price_us(bytes_s, n), memory_order_relaxed);
}
