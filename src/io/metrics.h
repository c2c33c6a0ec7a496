/*
 * The metrics of room io, each defined in the file that counts it; io_register_metrics()
 * registers them. Internal to io.
 */
#ifndef IO_METRICS_H
#define IO_METRICS_H

#include "base/metric.h"

extern struct metric io_metric_slow_turns;
extern struct metric io_metric_mails;
extern struct metric io_metric_mail_wakeups;
extern struct metric io_metric_work_refused;
extern struct metric io_metric_conns;
extern struct metric io_metric_bytes_in;
extern struct metric io_metric_bytes_out;
extern struct metric io_metric_handshakes;
extern struct metric io_metric_handshakes_failed;
extern struct metric io_metric_accepted;
extern struct metric io_metric_accept_refused;

extern struct metric io_metric_http_requests;
extern struct metric io_metric_http_refused;

#endif
