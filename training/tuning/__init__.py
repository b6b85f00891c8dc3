"""Fine-tuning an encoder: the one room that needs the extra ``finetune``, and with it torch."""
